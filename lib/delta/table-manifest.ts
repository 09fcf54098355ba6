/** A Delta table at one version as the manifest of a dataset: its columns and the files that count. */
import { PermanentError } from '../errors/errors.ts'
import { formatVersion, type Manifest, type ManifestPart } from '../model/outcome/manifest.ts'
import { mapParallel } from '../state/files.ts'
import { type AddFile, invalidLog } from './actions.ts'
import { decodedPath } from './file-paths.ts'
import { readFooterAt } from './read-statistics.ts'
import { type DeltaTable, readTable, tableName } from './read-table.ts'
import type { Snapshot } from './snapshot.ts'
import { checkReadable } from './table-features.ts'
import { engineSchema, fieldsOf } from './table-schema.ts'

/** A manifest with the identity of the table. */
export interface TableManifest extends Manifest {
  readonly table: { readonly id: string; readonly version: number }
}

/**
 * Reads the newest version, or version `version`; undefined where there is no table. Rows are those of the statistics; a file without
 * them costs a request.
 * @throws DELTA_UNSUPPORTED for a table that needs a feature which Fanmill does not know; DELTA_INVALID; DATASET_MISSING for a version
 * that the log does not have
 */
export async function readTableManifest(table: DeltaTable, version?: number): Promise<TableManifest | undefined> {
  const snapshot = await readTable(table, version)
  return snapshot && manifestOf(table, snapshot)
}

async function manifestOf(table: DeltaTable, snapshot: Snapshot): Promise<TableManifest> {
  const { protocol, metaData, version, files } = snapshot
  const name = tableName(table)
  const fields = fieldsOf(metaData, name)
  checkReadable({ table: name, protocol, metaData, fields })
  const parts = await mapParallel([...files.values()], file => partOf(table, file, metaData.partitionColumns))
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  const totals = { rows, bytes, parts: parts.length, rowsRead: rows, rowsRejected: 0, rowsFiltered: 0, members: 0 }
  return {
    fanmill: formatVersion,
    generation: version,
    task: metaData.name ?? 'delta',
    runs: [],
    schema: engineSchema(fields, name),
    partitionBy: metaData.partitionColumns,
    log: 'delta',
    parts,
    totals,
    table: { id: metaData.id, version },
  }
}

async function partOf(table: DeltaTable, file: AddFile, partitionBy: readonly string[]): Promise<ManifestPart> {
  const name = tableName(table)
  if (file.deletionVector) {
    const message = `${name}: expected a Delta table that Fanmill reads, got one with deletion vectors; use a table without them, or rewrite it with the program that deleted its rows`
    throw new PermanentError('DELTA_UNSUPPORTED', message, { table: name, feature: 'deletionVectors' })
  }
  const key = decodedPath(file.path, name)
  const partition = Object.fromEntries(partitionBy.map(column => [column, file.partitionValues[column] || null]))
  const rows = recordsIn(file, name) ?? (await readFooterAt(table.store, table.prefix + key, file.size)).rowCount
  return { key, rows, bytes: file.size, etag: '', runId: '', ...(partitionBy.length > 0 && { partition }) }
}

/** Returns the rows that the statistics of a file have. */
function recordsIn({ stats, path }: AddFile, table: string): number | undefined {
  if (stats === null || stats === undefined || stats === '') return undefined
  try {
    const { numRecords } = JSON.parse(stats) as { readonly numRecords?: unknown }
    return typeof numRecords === 'number' ? numRecords : undefined
  } catch (error) {
    throw invalidLog(table, `statistics of ${path}: expected JSON, got something else`, error)
  }
}
