/** The changes of a commit that all kinds of outputs share: parts become visible, are verified, and leftovers are removed. */
import { TransientError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/outcome/manifest.ts'
import { isPartOf, runOfPart } from '../model/outcome/part-name.ts'
import { type Actor, mapParallel } from '../state/files.ts'
import { type Journal, outputPrefix, runKeys } from '../state/state.ts'
import type { Store, StoredObject } from '../store/store.ts'
import type { HeadClaim } from './head-claim.ts'

/** The execution of a journal. */
export interface Roll {
  readonly actor: Actor
  readonly claim: HeadClaim
  readonly journal: Journal
  /** Sizes of the objects in the output by key, when an interrupted roll is resumed. */
  readonly there: ReadonlyMap<string, number> | undefined
}

/** The commit is complete, was undone because parts of some batches are lost, or was refused by what others wrote meanwhile. */
export type Rolled =
  | { readonly status: 'committed'; readonly manifest: Manifest }
  | { readonly status: 'undone'; readonly lostBatches: readonly number[] }
  | { readonly status: 'refused'; readonly error: Error }

/** Lists the sizes of the objects in the output, by key. */
export async function sizesOf(store: Store, prefix: string): Promise<Map<string, number>> {
  return new Map(await Array.fromAsync(store.list(prefix), ({ key, sizeBytes }) => [key, sizeBytes] as const))
}

/** Makes the parts visible, and returns the batches whose parts are gone. */
export async function completeParts({ actor, claim, journal, there }: Roll): Promise<Set<number>> {
  const lost = new Set<number>()
  // Only parts of this attempt have such names; an extracted file may have the name of an older file.
  await mapParallel(journal.complete, async (part, index) => {
    if (isPartOf(part.key, journal) && there?.get(part.key) === part.sizeBytes) return
    const isVisible = await claim.change(`complete-part-${index}`, () => actor.store.completePart(part))
    if (!isVisible) lost.add(part.batch)
  })
  return lost
}

/** Returns the next manifest with the etags of the visible parts. */
export async function verifyParts({ actor, journal }: Roll): Promise<Manifest> {
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

/**
 * Aborts pending parts of this run that no outcome names, left by killed tries or earlier attempts. Extracted files are known by their
 * keys, which are complete now; pending files of another run under the same keys are voided, and processed again, by its own commit.
 */
export async function abortLeftovers({ actor, claim, journal }: Roll): Promise<void> {
  const keys = new Set(journal.complete.map(part => part.key))
  for await (const part of actor.store.listParts(outputPrefix(journal.outputPath))) {
    if (runOfPart(part.key)?.runId === journal.runId || keys.has(part.key))
      await claim.change('abort-part', () => actor.store.abortPart(part))
  }
}

/** Voids the outcomes of batches whose parts are gone, and returns the batches. */
export async function voidLost({ actor, claim, journal }: Roll): Promise<number[]> {
  const lost = new Set<number>()
  await mapParallel(journal.complete, async part => {
    if (!(await actor.store.hasPart(part))) lost.add(part.batch)
  })
  const keys = runKeys(journal, journal.stage)
  const batches = [...lost].sort((a, b) => a - b)
  for (const batch of batches) {
    for (const part of journal.complete.filter(part => part.batch === batch)) {
      await claim.change('abort-part', () => actor.store.abortPart(part))
    }
    await claim.change('void-outcome', () => actor.store.remove(keys.outcome(batch)))
  }
  return batches
}
