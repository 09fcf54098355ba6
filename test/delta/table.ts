/** Tables for tests: changes with made-up files, in a store. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileStatistics } from '../../lib/delta/file-statistics.ts'
import type { DeltaTable } from '../../lib/delta/read-table.ts'
import type { NewFile, TableChange } from '../../lib/delta/table-change.ts'
import { deltaCheckpoints } from '../../lib/engine/delta-checkpoint.ts'
import type { Partition } from '../../lib/paths/partition-path.ts'
import type { Store } from '../../lib/store/store.ts'

export const checkpoints = deltaCheckpoints(() => mkdtempSync(join(tmpdir(), 'fanmill-checkpoint-')))

export const tableIn = (store: Store, prefix = 'sales/'): DeltaTable => ({ store, prefix, checkpoints })

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
export const freely = <T>(_name: string, act: () => Promise<T>): Promise<T> => act()
