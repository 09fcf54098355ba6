/** Prepares the conversions of a task: binds its transform and checks to the columns that are read. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { MapBatchesStep, MapRowsStep, Step } from '../define/definition.ts'
import { isText } from '../define/formats/format-kind.ts'
import { columnNames, columnsOf, type EngineColumn } from '../duckdb/engine-column.ts'
import { quoteName } from '../duckdb/quote.ts'
import { engineName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import { conditionOf } from '../model/run/resolve-task.ts'
import { writtenColumns } from './check-output.ts'
import type { Conversion } from './conversion.ts'
import type { EngineTask } from './engine-task.ts'
import { sqlType } from './read/column-sql.ts'
import { declaredColumns, emptyRead, type ReadColumn } from './read/read-columns.ts'
import { fastRead } from './read/typed-read.ts'
import { conditionColumns, usedColumns } from './read/used-columns.ts'
import { bindChecks } from './transform/row-checks.ts'
import { stepSql } from './transform/step-sql.ts'
import { checkTransform } from './transform/transform.ts'
import { keptColumns } from './write/kept-bucket.ts'

/** Parts that all conversions of a task share. */
export type ConversionTools = Pick<
  Conversion,
  'connection' | 'maps' | 'counter' | 'fitCounter' | 'keys' | 'wideRows'
> & {
  readonly memoryBytes: number
}

export interface ReadInputs {
  readonly inPath: readonly string[]
  /** The columns of Parquet files, for a task that declares none. */
  readonly own?: readonly ReadColumn[] | undefined
  /** The columns of the dataset that is read; absent for other inputs. */
  readonly dataset?: readonly SchemaColumn[] | undefined
}

/** @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID, COLUMN_MISSING */
export async function prepareConversion(
  task: EngineTask,
  { memoryBytes, ...tools }: ConversionTools,
  { inPath, own = [], dataset }: ReadInputs,
): Promise<Conversion> {
  const { format, strict, provenance, onNewColumn = 'ignore', onMissingColumn = 'fail', parts, exchange } = task
  const { columns: declared, hive } = withPathColumns(task, inPath)
  const typed = declaredColumns(declared)
  const columns = dataset ? await datasetColumns(tools.connection, task, dataset, typed) : [...own, ...typed]
  checkDifferent(columns)
  const keepNew = onNewColumn === 'keep'
  const read = { columns: declared, strict, keepNew, provenance, hive, refuseNew: onNewColumn === 'fail' }
  const parquet = isText(format)
    ? undefined
    : { columns, strict, keepNew, provenance, hive, dataset, onNewColumn, onMissingColumn }
  const input = parquet ? emptyRead(columns, parquet) : fastRead([], read)
  const given = { input, maps: tools.maps, tables: task.tables, by: task.join ? undefined : task.exchangedBy }
  const transform = await checkTransform(tools.connection, { ...given, steps: task.steps })
  const written = writtenColumns(parts, transform.schema, exchange)
  const kept = exchange && keptColumns(exchange, written)
  const checks = await bindChecks(tools.connection, given, task.checks ?? [])
  const room = { columns: Math.max(columns.length, transform.schema.length), memoryBytes }
  const files = task.exchangedBy ? { own, by: task.exchangedBy, join: task.join } : undefined
  const writing = { written, format, parts: { ...parts, room }, exchange, kept, exchanged: files }
  return { ...tools, read, parquet, checks, transform, ...writing }
}

/**
 * Returns the columns of a dataset that are read: the declared ones; else those that the source names, or all, as far as the steps use
 * them. @throws COLUMN_MISSING for one that the dataset does not have
 */
async function datasetColumns(
  connection: DuckDBConnection,
  { steps, checks = [], onNewColumn, datasetColumns: chosen, hasSourceWhere }: EngineTask,
  dataset: readonly SchemaColumn[],
  declared: readonly ReadColumn[],
): Promise<readonly ReadColumn[]> {
  const names = columnNames(dataset)
  const missing = [...(chosen ?? []), ...columnNames(declared)].find(name => !names.includes(name))
  if (missing !== undefined) {
    const message = `columns: expected columns of the dataset, got ${missing}; ${nearestOrAll(missing, names)}`
    throw new PermanentError('COLUMN_MISSING', message, { missing, columns: names })
  }
  if (declared.length > 0) return declared
  const [first] = steps
  const inWhere =
    chosen && hasSourceWhere && first?.kind === 'sql'
      ? await conditionColumns(connection, conditionOf(stepSql(first, 1)), names)
      : []
  const all = chosen ? dataset.filter(({ name }) => chosen.includes(name) || inWhere.includes(name)) : dataset
  if (checks.length > 0 || onNewColumn === 'keep') return all
  const used = await usedColumns(connection, steps, columnNames(all))
  const read = all.filter(({ name }) => used?.includes(name) ?? true)
  // A query needs a column, also one that only counts rows.
  return read.length > 0 ? read : all.slice(0, 1)
}

/** Refuses a column in a path whose name another column has in another case, which the engine takes for the same. @throws DEFINITION_INVALID */
function checkDifferent(columns: readonly ReadColumn[]): void {
  const names = new Map<string, string>()
  for (const { name } of columns) {
    const other = names.get(engineName(name))
    names.set(engineName(name), name)
    // Equal names are refused where the file is known.
    if (other === undefined || other === name) continue
    const message = `expected columns in paths and files whose names differ in more than case, got ${other} and ${name}; set hive: false, or rename one`
    throw new PermanentError('DEFINITION_INVALID', message, { names: [other, name] })
  }
}

/** The declared columns and those in the path, which are texts where they are not declared; `hive` names the ones in the path. */
function withPathColumns(
  { columns }: EngineTask,
  inPath: readonly string[],
): Pick<Conversion['read'], 'columns' | 'hive'> {
  const added = inPath.filter(name => !Object.hasOwn(columns, name))
  const texts = added.map(name => [name, { kind: 'column', type: 'string' }] as const)
  const declared = Object.keys(columns)
  return {
    columns: { ...columns, ...Object.fromEntries(texts) },
    hive: [...declared, ...added].filter(name => inPath.includes(name)),
  }
}

/** Returns the columns that map steps add, with the engine's types. */
export async function addedColumns(
  connection: DuckDBConnection,
  steps: readonly Step[],
): Promise<Map<MapRowsStep | MapBatchesStep, readonly EngineColumn[]>> {
  const added = new Map<MapRowsStep | MapBatchesStep, readonly EngineColumn[]>()
  for (const step of steps) {
    if (!('map' in step)) continue
    const columns = Object.entries(step.adds).map(
      ([name, column]) => `CAST(NULL AS ${sqlType(column)}) AS ${quoteName(name)}`,
    )
    if (columns.length === 0) continue
    const result = await connection.run(`SELECT ${columns.join(', ')}`)
    added.set(step, columnsOf(result))
  }
  return added
}
