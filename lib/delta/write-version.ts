/** Writes a version of a table: creates its file, which is the commit, after whatever others wrote meanwhile. */
import { TransientError } from '../errors/errors.ts'
import { roundsMax } from '../state/files.ts'
import { type Action, actionBytes } from './actions.ts'
import { logFolder, versionName } from './log-names.ts'
import { type DeltaTable, readOn, readTable, readVersion } from './read-table.ts'
import type { Snapshot } from './snapshot.ts'
import { actionsFor, isDone, type TableChange } from './table-change.ts'

/** Versions that may be lost to other writers: each loss is another's commit, and a hundred writers at once are few of many. */
const lossesMax = 10 * roundsMax
/** Tries of one version whose answer is uncertain. */
const triesMax = 3

export interface VersionRequest {
  readonly change: TableChange
  /** The newest version that is known; undefined where there is no table. */
  readonly before: Snapshot | undefined
  /** Makes one change of the output, if this process may still do so. */
  guard<T>(name: string, act: () => Promise<T>): Promise<T>
}

/**
 * Writes the change as the next version, once: a table that has its transaction is left as it is. When another writer was faster, the
 * log is read on, the change is checked against it, and the version after it is tried. Returns the table with the change.
 * @throws as `actionsFor` for a table that no longer fits; DELTA_CONFLICT, transient, when the table was made anew meanwhile, or when
 * others were faster each time
 */
export async function writeVersion(table: DeltaTable, { change, before, guard }: VersionRequest): Promise<Snapshot> {
  let snapshot = before && (await readOn(table, before))
  for (let losses = 0; losses < lossesMax; losses++) {
    if (snapshot && isDone(snapshot, change)) return snapshot
    if (before && snapshot && snapshot.metaData.id !== before.metaData.id)
      throw conflict(change, 'another table was put in its place')
    const actions = actionsFor(snapshot, change)
    await guard('write-version', () => createVersion(table, (snapshot?.version ?? -1) + 1, actions))
    snapshot = snapshot ? await readOn(table, snapshot) : await readTable(table)
  }
  throw conflict(change, `other writers were faster ${lossesMax} times`)
}

/** Creates the file of a version unless there is one. After an uncertain answer the version is read; where it is not there, it is tried again. */
async function createVersion(table: DeltaTable, version: number, actions: readonly Action[]): Promise<void> {
  const key = `${table.prefix}${logFolder}${versionName(version)}`
  for (let tries = 1; ; tries++)
    try {
      await table.store.create(key, actionBytes(actions))
      return
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      if (await readVersion(table, version)) return
      if (tries === triesMax) throw error
    }
}

function conflict({ table }: TableChange, what: string): TransientError {
  return new TransientError('DELTA_CONFLICT', `${table}: ${what} while this run was committed to it; run again`, {
    table,
  })
}
