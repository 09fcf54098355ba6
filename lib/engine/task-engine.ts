/** One task in one worker's engine: its transform checked and bound once, then one conversion after another. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { FanmillError, PermanentError } from '../core/errors.ts'
import { nearest } from '../core/nearest.ts'
import type { Columns, Format, MapBatchesStep, MapRowsStep, Step } from '../define/definition.ts'
import type { StagedFile } from '../io/stage.ts'
import { sqlType } from './column-sql.ts'
import { type Conversion, convert, type ConvertJob, type Converted } from './convert.ts'
import type { Engine } from './engine.ts'
import { createMapFunctions } from './map-function.ts'
import { quoteName, quoteTexts } from './quote.ts'
import { registerRowCounter } from './row-counter.ts'
import { checkTransform, type SchemaColumn } from './transform.ts'
import { fastRead } from './typed-read.ts'
import { type PartOptions, type WrittenPart, writeParts } from './write-parts.ts'

/** What the engine needs to know of a task, with the functions of params already called. */
export interface EngineTask {
  readonly format: Format
  readonly columns: Columns
  readonly steps: readonly Step[]
  readonly strict: boolean
  readonly provenance: readonly string[]
  readonly keepNew: boolean
  readonly parts: PartOptions
}

export interface TaskEngine {
  /** The columns that come out, with the engine's names of their types. */
  readonly schema: readonly { readonly name: string; readonly type: string }[]
  convert(job: ConvertJob): Promise<Converted>
  /** One Parquet file of several with the same columns, in their order or sorted as the output is. */
  merge(files: readonly string[], target: string): Promise<WrittenPart>
}

/** Checks the task's transform against empty typed inputs. @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID */
export async function openTask(engine: Engine, task: EngineTask, context: unknown): Promise<TaskEngine> {
  const connection = await engine.connect()
  const adds = await addedColumns(connection, task.steps)
  const maps = createMapFunctions(connection, context, step => adds.get(step) ?? [])
  const read = { columns: task.columns, strict: task.strict, keepNew: task.keepNew, provenance: task.provenance }
  const transform = await checkTransform(connection, fastRead([], read), task.steps, maps)
  checkOutput(task.parts, transform.schema)
  const conversion: Conversion = { connection, counter: registerRowCounter(connection), maps, read, transform, format: task.format, parts: task.parts }
  return {
    schema: transform.schema.map(({ name, type }) => ({ name, type: String(type) })),
    convert: job => convert(conversion, job),
    merge: (files, target) => merge(connection, task.parts, files, target),
  }
}

/** The engine's types of the columns that map steps add. */
async function addedColumns(
  connection: DuckDBConnection,
  steps: readonly Step[],
): Promise<Map<MapRowsStep | MapBatchesStep, readonly SchemaColumn[]>> {
  const added = new Map<MapRowsStep | MapBatchesStep, readonly SchemaColumn[]>()
  for (const step of steps) {
    if (step.kind === 'sql') continue
    const columns = Object.entries(step.adds).map(([name, column]) => `CAST(NULL AS ${sqlType(column)}) AS ${quoteName(name)}`)
    if (columns.length === 0) continue
    const result = await connection.run(`SELECT ${columns.join(', ')}`)
    added.set(step, result.columnNames().map((name, index) => ({ name, type: result.columnType(index) })))
  }
  return added
}

function checkOutput(parts: PartOptions, schema: readonly SchemaColumn[]): void {
  const names = schema.map(column => column.name)
  for (const option of ['partitionBy', 'sortBy'] as const)
    for (const name of parts[option]) {
      if (names.includes(name)) continue
      const close = nearest(name, names)
      const hint = close.length > 0 ? `did you mean ${close.join(', ')}` : `there are ${names.join(', ')}`
      throw new PermanentError('DEFINITION_INVALID', `output.${option}: expected columns that the transform gives, got ${name}; ${hint}`, { option, name, names })
    }
  if (parts.partitionBy.length > 0 && parts.partitionBy.length === names.length)
    throw new PermanentError('DEFINITION_INVALID', 'output.partitionBy: expected at least one column that is no partition, got all of them', { names })
}

async function merge(connection: DuckDBConnection, parts: PartOptions, files: readonly string[], target: string): Promise<WrittenPart> {
  const query = { sql: `SELECT * FROM read_parquet(${quoteTexts(files)}, hive_partitioning = false)`, values: [] }
  const [part] = await writeParts(connection, query, target, { ...parts, partitionBy: [] })
  if (part === undefined) throw new FanmillError('ENGINE_FAILED', 'the engine wrote no file', { target })
  return part
}

export type { StagedFile }
