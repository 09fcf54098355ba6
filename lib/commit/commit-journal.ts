/** Executes a commit's journal to its end, from wherever it stopped; every step may be repeated. */
import { TransientError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/manifest.ts'
import { type Actor, mapParallel, type Versioned } from '../state/files.ts'
import { type Head, type Journal, outputPrefix, runKeys, runOfPart, stateBytes, successKey } from '../state/state.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { lockedOut, readSuccess } from './head.ts'
import { HeadClaim } from './head-claim.ts'

/** The commit is complete, or was undone because parts of some batches are lost. */
export type Rolled =
  | { readonly status: 'committed'; readonly manifest: Manifest }
  | { readonly status: 'undone'; readonly lostBatches: readonly number[] }

interface Roll {
  readonly actor: Actor
  readonly claim: HeadClaim
  readonly journal: Journal
  /** Sizes of the objects in the output by key, when an interrupted roll is resumed. */
  readonly there: ReadonlyMap<string, number> | undefined
}

export interface RollOptions {
  /** An earlier roll may have done some steps: the output is listed first, so that each call gets further. Default false. */
  readonly isResumed?: boolean
}

/**
 * Executes the journal in this order: remove `_SUCCESS`, complete, verify, delete, write `_SUCCESS`, head to committed.
 * The head must name the actor as committing this journal's claim. About two requests a part, sixteen at once.
 * @throws OUTPUT_LOCKED when another process took the commit over
 */
export async function rollJournal(
  actor: Actor,
  head: Versioned<Head>,
  journal: Journal,
  { isResumed = false }: RollOptions = {},
): Promise<Rolled> {
  const there = isResumed ? await sizesOf(actor.store, outputPrefix(journal.outputPath)) : undefined
  const roll: Roll = { actor, claim: new HeadClaim(actor, head), journal, there }
  const { next, runId, attempt, outputPath } = journal
  const keys = runKeys(runId, attempt)
  let manifest = await readSuccess(actor.store, outputPath)
  if (manifest?.generation !== next.generation) {
    await roll.claim.change('remove-success', () => actor.store.remove(successKey(outputPath)))
    const lostBatches = await completeParts(roll)
    if (lostBatches.size > 0) return undo(roll)
    manifest = await verifyParts(roll)
    await removeOld(roll)
    await abortLeftovers(roll)
    await writeSuccess(roll, manifest)
  }
  const committed = { generation: next.generation, runId, attempt, manifest: keys.manifest }
  await roll.claim.finish('commit-head', { committed })
  return { status: 'committed', manifest }
}

/** Lists the sizes of the objects in the output, by key. */
async function sizesOf(store: Store, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of store.list(prefix)) sizes.set(key, sizeBytes)
  return sizes
}

async function completeParts({ actor, claim, journal, there }: Roll): Promise<Set<number>> {
  const lost = new Set<number>()
  // Only parts of this attempt have such names; an extracted file may have the name of an older file.
  const ownName = `-${journal.runId}-${journal.attempt}.parquet`
  await mapParallel(journal.complete, async (part, index) => {
    if (part.key.endsWith(ownName) && there?.get(part.key) === part.sizeBytes) return
    const isVisible = await claim.change(`complete-part-${index}`, () => actor.store.completePart(part))
    if (!isVisible) lost.add(part.batch)
  })
  return lost
}

/** Returns the next manifest with the etags of the visible parts. */
async function verifyParts({ actor, journal }: Roll): Promise<Manifest> {
  await actor.at('verify:before')
  const prefix = outputPrefix(journal.outputPath)
  const etags = new Map<string, string>()
  const statOf = await statsOf(actor.store, journal)
  await mapParallel(journal.complete, async ({ key, sizeBytes }) => {
    const found = await statOf(key)
    if (found?.sizeBytes !== sizeBytes) {
      const got = found ? `${found.sizeBytes} bytes` : 'nothing'
      const message = `${key}: expected a part of ${sizeBytes} bytes, got ${got}; run again`
      throw new TransientError('STORE_FAILED', message, { key, sizeBytes })
    }
    etags.set(key, found.etag)
  })
  await actor.at('verify:after')
  const withEtag = (part: ManifestPart) => ({ ...part, etag: etags.get(prefix + part.key) ?? part.etag })
  return { ...journal.next, parts: journal.next.parts.map(withEtag) }
}

/** Keys on one page of a listing in S3. */
const pageKeys = 1000

/** Returns a function that describes a part, by a listing of the output or by a request each: whichever needs fewer requests. */
async function statsOf(
  store: Store,
  { complete, next, outputPath }: Journal,
): Promise<(key: string) => Promise<StoredObject | undefined>> {
  const objectCount = next.parts.length + (next.files ?? []).length
  if (complete.length < Math.ceil(objectCount / pageKeys)) return key => store.stat(key)
  const keys = new Set(complete.map(part => part.key))
  const found = new Map<string, StoredObject>()
  for await (const object of store.list(outputPrefix(outputPath)))
    if (keys.has(object.key)) found.set(object.key, object)
  return async key => found.get(key)
}

async function removeOld({ actor, claim, journal, there }: Roll): Promise<void> {
  await mapParallel(journal.remove, async (key, index) => {
    if (there && !there.has(key)) return
    await claim.change(`remove-part-${index}`, () => actor.store.remove(key))
  })
}

/**
 * Aborts pending parts of this run that no outcome names, left by killed tries or earlier attempts. Extracted files are known by their
 * keys, which are complete now; pending files of another run under the same keys are voided, and processed again, by its own commit.
 */
async function abortLeftovers({ actor, claim, journal }: Roll): Promise<void> {
  const keys = new Set(journal.complete.map(part => part.key))
  for await (const part of actor.store.listParts(outputPrefix(journal.outputPath))) {
    if (runOfPart(part.key)?.runId === journal.runId || keys.has(part.key))
      await claim.change('abort-part', () => actor.store.abortPart(part))
  }
}

async function writeSuccess({ actor, claim, journal }: Roll, manifest: Manifest): Promise<void> {
  const { store } = actor
  const bytes = stateBytes(manifest)
  const copyKey = runKeys(journal.runId, journal.attempt).manifest
  await claim.change('write-manifest', () => store.write(copyKey, bytes))
  // Created, not written, so that a committer that slept through a takeover cannot overwrite a newer one.
  const etag = await claim.change('write-success', () => store.create(successKey(journal.outputPath), bytes))
  if (etag !== undefined) return
  const found = await readSuccess(store, journal.outputPath)
  if (found?.generation !== manifest.generation) throw lockedOut(journal.outputPath)
}

/**
 * Undoes a commit whose pending parts expired before it was rolled: nothing was deleted yet, so the old parts still exist.
 * The outcomes of the lost batches are removed, so that they are planned again.
 */
async function undo(roll: Roll): Promise<Rolled> {
  const { actor, claim, journal } = roll
  const { previous, isPreviousVisible, outputPath } = journal
  const prefix = outputPrefix(outputPath)
  const old = new Set([
    ...(previous?.parts ?? []).map(part => prefix + part.key),
    ...(previous?.files ?? []).map(file => prefix + file.path),
  ])
  const added = journal.complete.filter(part => !old.has(part.key))
  await mapParallel(added, (part, index) => claim.change(`undo-part-${index}`, () => actor.store.remove(part.key)))
  const lostBatches = await voidLost(roll)
  const hasOld = added.length === journal.complete.length
  if (previous && isPreviousVisible && hasOld) {
    await claim.change('restore-success', () => actor.store.create(successKey(outputPath), stateBytes(previous)))
  }
  await claim.finish('drop-claim', {})
  return { status: 'undone', lostBatches }
}

async function voidLost({ actor, claim, journal }: Roll): Promise<number[]> {
  const lost = new Set<number>()
  await mapParallel(journal.complete, async part => {
    if (!(await actor.store.hasPart(part))) lost.add(part.batch)
  })
  const keys = runKeys(journal.runId, journal.attempt, journal.stage)
  const batches = [...lost].sort((a, b) => a - b)
  for (const batch of batches) {
    for (const part of journal.complete.filter(part => part.batch === batch)) {
      await claim.change('abort-part', () => actor.store.abortPart(part))
    }
    await claim.change('void-outcome', () => actor.store.remove(keys.outcome(batch)))
  }
  return batches
}
