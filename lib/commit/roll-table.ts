/** Executes the commit to a Delta table: its parts become visible, then a version of its log names them, and `_SUCCESS` follows as a flag. */
import { writeCheckpoint } from '../delta/checkpoint.ts'
import { readFileStatistics } from '../delta/read-statistics.ts'
import { readTable, tableName } from '../delta/read-table.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import { isDone, type NewFile, type TableChange } from '../delta/table-change.ts'
import { writeVersion } from '../delta/write-version.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { hasCode, nothingIf } from '../errors/expected.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { changeState, effect, mapParallel } from '../state/files.ts'
import { type Journal, outputPrefix, readManifest, runKeys, stateBytes, successKey } from '../state/state.ts'
import { lockedOut } from './head.ts'
import { abortLeftovers, completeParts, type Roll, type Rolled, verifyParts, voidLost } from './roll-parts.ts'
import { appIdOf, tableMode, tableOf } from './table-view.ts'

/**
 * Completes the parts and writes the version, which is the commit. Nothing is deleted: files that the table no longer names stay for
 * readers of older versions. A table that no longer fits leaves the claim free, and the output as it was.
 */
export async function rollTable(roll: Roll): Promise<Rolled> {
  const { actor, claim, journal } = roll
  const before = await readTable(tableOf(actor, journal.outputPath))
  const isWritten = before !== undefined && isDone(before, { transaction: transactionOf(journal) })
  // Parts that an earlier try made visible are compared again: one of another try may have the same name.
  if (!isWritten && (await completeParts({ ...roll, there: undefined })).size > 0) return undo(roll)
  const manifest = isWritten ? journal.next : await verifyParts(roll)
  try {
    const after = isWritten ? before : await addVersion(roll, before)
    await abortLeftovers(roll)
    await writeFlag(roll, manifest)
    await keepCheckpoint(roll, after)
  } catch (error) {
    if (!(error instanceof PermanentError)) throw error
    await claim.finish('drop-claim', {})
    return { status: 'refused', error }
  }
  return { status: 'committed', manifest }
}

const transactionOf = ({ outputPath, next }: Journal): TableChange['transaction'] => ({
  appId: appIdOf(outputPath),
  version: next.generation,
})

async function addVersion({ actor, claim, journal }: Roll, before: Snapshot | undefined): Promise<Snapshot> {
  const { outputPath, mode = 'replace', runId, attempt, next, remove } = journal
  const table = tableOf(actor, outputPath)
  const prefix = outputPrefix(outputPath)
  const own = new Set(journal.complete.map(part => part.key))
  const parts = next.parts.filter(part => own.has(prefix + part.key))
  const added = await mapParallel(parts, async ({ key, bytes, rows, partition = {} }): Promise<NewFile> => {
    const statistics = await readFileStatistics(actor.store, { key: prefix + key, sizeBytes: bytes, rows })
    return { key, sizeBytes: bytes, partition, statistics }
  })
  const change: TableChange = {
    table: tableName(table),
    transaction: transactionOf(journal),
    run: { runId, attempt },
    mode: tableMode(mode),
    schema: next.schema,
    partitionBy: next.partitionBy,
    added,
    replaced: remove.map(key => key.slice(prefix.length)),
    now: actor.now(),
  }
  return writeVersion(table, { change, before, guard: (name, act) => claim.change(name, act) })
}

/** Writes the manifest over that of an earlier generation, which stayed all the time. */
async function writeFlag({ actor, claim, journal }: Roll, manifest: Manifest): Promise<void> {
  const { store } = actor
  const { outputPath } = journal
  await claim.change('write-manifest', () => store.write(runKeys(journal).manifest, stateBytes(manifest)))
  const isChanged = await claim.change('write-success', () =>
    changeState(store, successKey(outputPath), readGeneration, found =>
      found !== undefined && found.generation >= manifest.generation ? undefined : manifest,
    ),
  )
  if (isChanged === undefined) throw lockedOut(outputPath)
}

/** Reads the generation of a manifest; 0 for a file of another program. */
function readGeneration(bytes: Uint8Array, key: string): Pick<Manifest, 'generation'> {
  try {
    return readManifest(bytes, key)
  } catch (error) {
    if (hasCode(error, 'STATE_INVALID')) return { generation: 0 }
    throw error
  }
}

/** Writes a checkpoint if it is time. Deliberately without failing: the version is written, and the next one tries again. */
async function keepCheckpoint({ actor, journal }: Roll, snapshot: Snapshot): Promise<void> {
  const write = () => writeCheckpoint(tableOf(actor, journal.outputPath), snapshot, actor.now())
  await effect(actor, 'write-checkpoint', write).catch(nothingIf(error => error instanceof FanmillError))
}

/** Frees the claim; the table is as it was. Batches whose parts are gone are processed again. */
async function undo(roll: Roll): Promise<Rolled> {
  const lostBatches = await voidLost(roll)
  await roll.claim.finish('drop-claim', {})
  return { status: 'undone', lostBatches }
}
