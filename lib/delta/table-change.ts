/** Changes that a commit makes to a table, and the actions that they are at the version where they happen. */
import { createHash } from 'node:crypto'
import { PermanentError } from '../errors/errors.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import type { Partition } from '../paths/partition-path.ts'
import type { Action, AddFile, MetaData, RemoveFile } from './actions.ts'
import type { DeltaField } from './column-types.ts'
import { encodedPath } from './file-paths.ts'
import type { FileStatistics } from './file-statistics.ts'
import { checkPartitionColumns, comparableValues, partitionValues } from './partition-values.ts'
import type { Snapshot } from './snapshot.ts'
import { checkWritable, isAppendOnly, protocolFor } from './table-features.ts'
import { fieldsOf, fittingFields, newFields, schemaStringOf } from './table-schema.ts'

/** The effect on the rows of a table: they stay, all of them go, or those in the partitions of the new rows go. */
export type TableMode = 'append' | 'overwrite' | 'replacePartitions'

export interface NewFile {
  /** Relative to the table. */
  readonly key: string
  readonly sizeBytes: number
  readonly partition: Partition
  readonly statistics: FileStatistics
}

export interface TableChange {
  /** Name of the table, for messages. */
  readonly table: string
  /** The output that writes, and its generation: what the log has once cannot be written a second time. */
  readonly transaction: { readonly appId: string; readonly version: number }
  readonly run: { readonly runId: string; readonly attempt: number }
  readonly mode: TableMode
  /** The columns of the new rows, with the engine's types. */
  readonly schema: readonly SchemaColumn[]
  readonly partitionBy: readonly string[]
  readonly added: readonly NewFile[]
  /** Files of this output whose place the new ones take, relative to the table, besides those that the mode names. */
  readonly replaced: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Returns whether a table has this change already. */
export const isDone = (
  snapshot: Snapshot | undefined,
  { transaction: { appId, version } }: Pick<TableChange, 'transaction'>,
): boolean => (snapshot?.transactions.get(appId)?.version ?? Number.NEGATIVE_INFINITY) >= version

/**
 * Returns the actions of the version after a snapshot; without one, of a new table. Everything is decided anew from the snapshot, so
 * that rows which others added meanwhile stay in an append, and go in an overwrite, as if this change had begun after theirs.
 * @throws DELTA_UNSUPPORTED for a table that needs what Fanmill does not know; OUTPUT_SCHEMA_MISMATCH; DEFINITION_INVALID
 */
export function actionsFor(snapshot: Snapshot | undefined, change: TableChange): Action[] {
  const own = newFields(change.schema)
  checkPartitionColumns(change.partitionBy, own)
  const fields = snapshot ? meet(snapshot, own, change) : own
  const removes = snapshot ? removesOf(snapshot, fields, change) : []
  if (snapshot && removes.length > 0 && isAppendOnly(snapshot.metaData)) throw appendOnly(change)
  const adds = change.added.map(file => addOf(file, fields, change))
  const metaData = metaDataFor(snapshot?.metaData, fields, change)
  const protocol = protocolFor(fields, snapshot?.protocol)
  const { appId, version } = change.transaction
  return [
    { commitInfo: commitInfoOf(change, removes.length) },
    ...(protocol === snapshot?.protocol ? [] : [{ protocol }]),
    ...(metaData === snapshot?.metaData ? [] : [{ metaData }]),
    { txn: { appId, version, lastUpdated: change.now } },
    ...removes.map(remove => ({ remove })),
    ...adds.map(add => ({ add })),
  ]
}

/** Checks whether a change may be made to a table, before its files exist. @throws as `actionsFor` */
export function checkChange(snapshot: Snapshot | undefined, change: Omit<TableChange, 'transaction' | 'run'>): void {
  actionsFor(snapshot, { ...change, transaction: { appId: '', version: 0 }, run: { runId: '', attempt: 0 } })
}

/** Checks what does not depend on the columns of the rows. @throws as `actionsFor` */
export function checkTable(
  { protocol, metaData }: Snapshot,
  change: Pick<TableChange, 'table' | 'mode' | 'partitionBy'>,
): void {
  const { table, mode, partitionBy } = change
  checkWritable({ table, protocol, metaData, fields: fieldsOf(metaData, table) })
  const samePartitions = `${partitionBy}` === `${metaData.partitionColumns}`
  if (!samePartitions && mode !== 'overwrite')
    throw mismatch(change, partitionText(metaData.partitionColumns), partitionText(partitionBy))
  if (mode !== 'append' && isAppendOnly(metaData)) throw appendOnly(change)
}

/** Returns the columns of the table after the change. */
function meet(snapshot: Snapshot, own: readonly DeltaField[], change: TableChange): readonly DeltaField[] {
  const { table, mode } = change
  checkTable(snapshot, change)
  const before = fieldsOf(snapshot.metaData, table)
  const fields = fittingFields({ table, before, own, mode })
  for (const { name, nullable } of fields)
    if (!nullable && !change.added.every(file => hasNoNulls(file, name)))
      throw mismatch(change, `a value in every row of column ${name}`, 'rows without one')
  return fields
}

const hasNoNulls = ({ partition, statistics }: NewFile, name: string): boolean =>
  Object.hasOwn(partition, name) ? (partition[name] ?? '') !== '' : statistics.nullCount.get(name) === 0

const partitionText = (names: readonly string[]): string =>
  names.length === 0 ? 'files without partitions' : `files partitioned by ${names.join(', ')}`

function removesOf(snapshot: Snapshot, fields: readonly DeltaField[], change: TableChange): RemoveFile[] {
  const { mode, partitionBy, added, replaced, now } = change
  const names = new Set(replaced.map(encodedPath))
  const valuesOf = comparableValues(partitionBy, fields)
  const partitions = new Set(added.map(file => valuesOf(partitionValues(file.partition, partitionBy, fields))))
  const isReplaced = ({ path, partitionValues: values }: AddFile): boolean =>
    mode === 'overwrite' || names.has(path) || (mode === 'replacePartitions' && partitions.has(valuesOf(values)))
  const paths = new Set(added.map(file => encodedPath(file.key)))
  return [...snapshot.files.values()]
    .filter(file => !paths.has(file.path) && isReplaced(file))
    .map(({ path, partitionValues: values, size }) => {
      const what = { path, deletionTimestamp: now, dataChange: true, extendedFileMetadata: true }
      return { ...what, partitionValues: values, size }
    })
}

function addOf(
  { key, sizeBytes, partition, statistics }: NewFile,
  fields: readonly DeltaField[],
  change: TableChange,
): AddFile {
  return {
    path: encodedPath(key),
    partitionValues: partitionValues(partition, change.partitionBy, fields),
    size: sizeBytes,
    modificationTime: change.now,
    dataChange: true,
    stats: statistics.text,
  }
}

/** Returns the table's own metadata where nothing of it changes. */
function metaDataFor(before: MetaData | undefined, fields: readonly DeltaField[], change: TableChange): MetaData {
  const schemaString = schemaStringOf(fields)
  const partitionColumns = [...change.partitionBy]
  if (!before)
    return {
      id: tableId(change),
      format: { provider: 'parquet', options: {} },
      schemaString,
      partitionColumns,
      configuration: {},
      createdTime: change.now,
    }
  const isSame =
    schemaString === schemaStringOf(fieldsOf(before, change.table)) &&
    `${partitionColumns}` === `${before.partitionColumns}`
  return isSame ? before : { ...before, schemaString, partitionColumns }
}

/** Returns the same id for each try of one commit, in the form of a UUID of version 8. */
function tableId({ table, run, transaction }: TableChange): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([table, run, transaction]))
    .digest('hex')
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5')
}

function commitInfoOf({ mode, partitionBy, added, run, now }: TableChange, removedCount: number): Action['commitInfo'] {
  const sum = (of: (file: NewFile) => number) => String(added.reduce((total, file) => total + of(file), 0))
  return {
    timestamp: now,
    operation: 'WRITE',
    operationParameters: {
      mode: mode === 'append' ? 'Append' : 'Overwrite',
      partitionBy: JSON.stringify(partitionBy),
      ...(mode === 'replacePartitions' && { partitionOverwriteMode: 'dynamic' }),
    },
    operationMetrics: {
      numFiles: String(added.length),
      numOutputRows: sum(file => file.statistics.numRecords),
      numOutputBytes: sum(file => file.sizeBytes),
      numRemovedFiles: String(removedCount),
    },
    isBlindAppend: mode === 'append' && removedCount === 0,
    engineInfo: 'fanmill',
    fanmill: run,
  }
}

function mismatch({ table }: Pick<TableChange, 'table'>, expected: string, got: string): PermanentError {
  const message = `${table}: expected ${expected}, as in the table, got ${got}; change the task, or write to another path`
  return new PermanentError('OUTPUT_SCHEMA_MISMATCH', message, { table, expected, got })
}

function appendOnly({ table, mode }: Pick<TableChange, 'table' | 'mode'>): PermanentError {
  const message = `${table}: expected mode append, as the table sets delta.appendOnly, got ${mode}; use mode 'append', or write to another path`
  return new PermanentError('DELTA_UNSUPPORTED', message, { table, mode })
}
