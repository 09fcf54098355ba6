/** Executes the commit of a dataset whose manifest says which parts count: `_SUCCESS` goes first and comes last. */
import type { Manifest } from '../model/outcome/manifest.ts'
import { mapParallel } from '../state/files.ts'
import { outputPrefix, runKeys, stateBytes, successKey } from '../state/state.ts'
import { lockedOut, readSuccess } from './head.ts'
import { keysOf } from './next-manifest.ts'
import { abortLeftovers, completeParts, type Roll, type Rolled, verifyParts, voidLost } from './roll-parts.ts'

/** Removes `_SUCCESS`, completes, verifies and deletes parts, and writes `_SUCCESS`. */
export async function rollDataset(roll: Roll): Promise<Rolled> {
  const { actor, claim, journal } = roll
  await claim.change('remove-success', () => actor.store.remove(successKey(journal.outputPath)))
  const lostBatches = await completeParts(roll)
  if (lostBatches.size > 0) return undo(roll)
  const manifest = await verifyParts(roll)
  await removeOld(roll)
  await abortLeftovers(roll)
  await writeSuccess(roll, manifest)
  return { status: 'committed', manifest }
}

async function removeOld({ actor, claim, journal, there }: Roll): Promise<void> {
  await mapParallel(journal.remove, async (key, index) => {
    if (there && !there.has(key)) return
    await claim.change(`remove-part-${index}`, () => actor.store.remove(key))
  })
}

async function writeSuccess({ actor, claim, journal }: Roll, manifest: Manifest): Promise<void> {
  const { store } = actor
  const bytes = stateBytes(manifest)
  const copyKey = runKeys(journal).manifest
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
  const old = new Set(keysOf(previous).map(key => prefix + key))
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
