/** Tables for tests: changes with made-up files, in a store. */
import type { FileStatistics } from '../../lib/delta/file-statistics.ts'
import { type DeltaTable, readTable } from '../../lib/delta/read-table.ts'
import type { NewFile, TableChange } from '../../lib/delta/table-change.ts'
import { type VersionRequest, writeVersion } from '../../lib/delta/write-version.ts'
import type { Partition } from '../../lib/paths/partition-path.ts'
import type { Store } from '../../lib/store/store.ts'
import { engineServices } from '../../lib/threads/engine-services.ts'

export const tableIn = (store: Store, prefix = 'sales/'): DeltaTable => ({
  store,
  prefix,
  checkpoints: engineServices.checkpoints,
})

export const statistics = (numRecords: number, nulls: Readonly<Record<string, number>> = {}): FileStatistics => ({
  numRecords,
  nullCount: new Map(Object.entries(nulls)),
  text: JSON.stringify({ numRecords }),
})

export const fileOf = (key: string, partition: Partition = {}): NewFile => ({
  key,
  sizeBytes: 100,
  partition,
  statistics: statistics(3),
})

/** An append of one file by the application `app`. */
export function changeOf(app: string, version: number, change: Partial<TableChange> = {}): TableChange {
  return {
    table: 'sales',
    transaction: { appId: app, version },
    run: { runId: `${app}-${version}`, attempt: 1 },
    mode: 'append',
    schema: [
      { name: 'id', type: 'BIGINT' },
      { name: 'state', type: 'VARCHAR' },
    ],
    partitionBy: [],
    added: [fileOf(`part-${app}-${version}.parquet`)],
    replaced: [],
    now: 1_800_000_000_000,
    ...change,
  }
}

/** Makes each change without asking anyone. */
const freely = <T>(_name: string, act: () => Promise<T>): Promise<T> => act()

/** Writes a change as the next version. */
export async function write(
  store: Store,
  change: TableChange,
  guard: VersionRequest['guard'] = freely,
  prefix = 'sales/',
) {
  const table = tableIn(store, prefix)
  return writeVersion(table, { change, guard, before: await readTable(table) })
}
