/** Rolls a commit's journal to its end, from wherever it stopped; every step may be done again. */
import { TransientError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/manifest.ts'
import { type Actor, forEachParallel, type Versioned } from '../state/files.ts'
import { type Head, type Journal, outputPrefix, runKeys, stateBytes, successKey } from '../state/state.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { lockedOut, readSuccess } from './head.ts'
import { HeadClaim } from './head-claim.ts'

/** Committed, or undone because the parts of some batches are gone for ever. */
export type Rolled =
  | { readonly status: 'committed'; readonly manifest: Manifest }
  | { readonly status: 'undone'; readonly lostBatches: readonly number[] }

interface Roll {
  readonly actor: Actor
  readonly claim: HeadClaim
  readonly journal: Journal
  /** Sizes by key, when a roll that stopped is gone on with. */
  readonly there: ReadonlyMap<string, number> | undefined
}

export interface RollOptions {
  /** Another roll of it may have done some already: then what stands is looked at first, so that each call gets further. Default false. */
  readonly isResumed?: boolean
}

/**
 * Does what the journal says, in its order: remove `_SUCCESS`, complete, verify, delete, write `_SUCCESS`, head to committed.
 * The head must name the actor as committing this journal's claim. About two requests a part, sixteen at once.
 * @throws OUTPUT_LOCKED when another took the commit over
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

/** What the output holds, by key. */
async function sizesOf(store: Store, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { key, sizeBytes } of store.list(prefix)) sizes.set(key, sizeBytes)
  return sizes
}

async function completeParts({ actor, claim, journal, there }: Roll): Promise<Set<number>> {
  const lost = new Set<number>()
  // Only this attempt has such names; an extracted file's may be an older file's.
  const ownName = `-${journal.runId}-${journal.attempt}.parquet`
  await forEachParallel(journal.complete, async (part, index) => {
    if (part.key.endsWith(ownName) && there?.get(part.key) === part.sizeBytes) return
    const isVisible = await claim.change(`complete-part-${index}`, () => actor.store.completePart(part))
    if (!isVisible) lost.add(part.batch)
  })
  return lost
}

/** The next manifest with the etags of the parts as they now stand. */
async function verifyParts({ actor, journal }: Roll): Promise<Manifest> {
  await actor.at('verify:before')
  const prefix = outputPrefix(journal.outputPath)
  const etags = new Map<string, string>()
  const statOf = await lookAt(actor.store, journal)
  await forEachParallel(journal.complete, async ({ key, sizeBytes }) => {
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

/** Keys of one page of a listing, of S3 and of any store like it. */
const pageKeys = 1000

/** Looks at parts by a listing of the output, or one by one: whichever asks less of the store. */
async function lookAt(
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
  await forEachParallel(journal.remove, async (key, index) => {
    if (there && !there.has(key)) return
    await claim.change(`remove-part-${index}`, () => actor.store.remove(key))
  })
}

/**
 * Parts of this run that no outcome names: of tries that were killed, or of attempts before this one. Extracted files are known by their
 * keys, which are now complete; another run's under the same keys would be voided, and done again, by its own commit.
 */
async function abortLeftovers({ actor, claim, journal }: Roll): Promise<void> {
  const isOfRun = new RegExp(`-${journal.runId}-\\d+\\.parquet$`)
  const keys = new Set(journal.complete.map(part => part.key))
  for await (const part of actor.store.listParts(outputPrefix(journal.outputPath))) {
    if (isOfRun.test(part.key) || keys.has(part.key))
      await claim.change('abort-part', () => actor.store.abortPart(part))
  }
}

async function writeSuccess({ actor, claim, journal }: Roll, manifest: Manifest): Promise<void> {
  const { store } = actor
  const bytes = stateBytes(manifest)
  const copyKey = runKeys(journal.runId, journal.attempt).manifest
  await claim.change('write-manifest', () => store.write(copyKey, bytes))
  // Created, not written: a committer that slept past its takeover cannot write over a newer one.
  const etag = await claim.change('write-success', () => store.create(successKey(journal.outputPath), bytes))
  if (etag !== undefined) return
  const found = await readSuccess(store, journal.outputPath)
  if (found?.generation !== manifest.generation) throw lockedOut(journal.outputPath)
}

/**
 * Takes a commit back whose pending parts expired before it was rolled: nothing was deleted yet, so the old parts stand.
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
  await forEachParallel(added, (part, index) => claim.change(`undo-part-${index}`, () => actor.store.remove(part.key)))
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
  await forEachParallel(journal.complete, async part => {
    if (!(await actor.store.hasPart(part))) lost.add(part.batch)
  })
  const keys = runKeys(journal.runId, journal.attempt)
  const batches = [...lost].sort((a, b) => a - b)
  for (const batch of batches) {
    for (const part of journal.complete.filter(part => part.batch === batch)) {
      await claim.change('abort-part', () => actor.store.abortPart(part))
    }
    await claim.change('void-outcome', () => actor.store.remove(keys.outcome(batch)))
  }
  return batches
}
