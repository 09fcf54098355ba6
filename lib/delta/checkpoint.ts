/** Writes checkpoints, so that readers need not read every version from the first. */
import type { Action, RemoveFile } from './actions.ts'
import { checkpointNames, lastCheckpointName, logFolder } from './log-names.ts'
import { actionsOf, type DeltaTable } from './read-table.ts'
import type { Snapshot } from './snapshot.ts'

/** Versions from one checkpoint to the next, where the table does not set `delta.checkpointInterval`. */
const intervalVersions = 10
/** How long removed files stay listed, for those who delete files that nobody reads any more; the protocol's default. */
const retentionMs = 7 * 24 * 3_600_000

/** Writes the checkpoint of a snapshot where the last one is old enough. @throws as the store, ENGINE_FAILED */
export async function writeCheckpoint(table: DeltaTable, snapshot: Snapshot, now: number): Promise<void> {
  const { version, checkpointVersion = 0, metaData } = snapshot
  const interval = Number(metaData.configuration?.['delta.checkpointInterval']) || intervalVersions
  if (version - checkpointVersion < interval) return
  const actions = actionsOf(snapshot).filter(action => !action.remove || isKept(action.remove, snapshot, now))
  const counts = { size: 0, adds: 0 }
  const bytes = await table.checkpoints.write(counted(actions, counts))
  const folder = `${table.prefix}${logFolder}`
  await table.store.write(`${folder}${checkpointNames(version)[0]}`, bytes)
  const last = { version, size: counts.size, sizeInBytes: bytes.length, numOfAddFiles: counts.adds }
  await table.store.write(`${folder}${lastCheckpointName}`, new TextEncoder().encode(JSON.stringify(last)))
}

/** A table with its own retention keeps all of them. */
const isKept = ({ deletionTimestamp }: RemoveFile, { metaData }: Snapshot, now: number): boolean =>
  metaData.configuration?.['delta.deletedFileRetentionDuration'] !== undefined ||
  (deletionTimestamp ?? 0) > now - retentionMs

/** Returns the lines of the checkpoint, and counts them. A checkpoint changes no rows. */
function* counted(actions: Iterable<Action>, counts: { size: number; adds: number }): Generator<string> {
  for (const { add, remove, ...others } of actions) {
    counts.size++
    if (add) counts.adds++
    const files = { add: add && { ...add, dataChange: false }, remove: remove && { ...remove, dataChange: false } }
    yield JSON.stringify({ ...others, ...files })
  }
}
