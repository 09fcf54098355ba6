/**
 * Finds the columns of each task's output at synthesis as a run finds them: by preparing its transform against empty inputs.
 * Steps whose columns are known only with inputs are checked by their syntax.
 */
import { join } from 'node:path'
import { type KnownSteps, type KnownStepsOptions, knownSteps } from './bundle-steps.ts'
import { hiveNamesOf } from './define/columns/hive-names.ts'
import type { PipelineDefinition, TableDefinition, TaskDefinition } from './define/definition.ts'
import { layoutOf, type PartLayout } from './define/outputs/output-kind.ts'
import { stagesOf } from './define/tasks/task-stages.ts'
import { type Engine, type EngineOptions, openEngine, useEngine } from './duckdb/engine.ts'
import { quoteName } from './duckdb/quote.ts'
import { sqlType } from './engine/read/column-sql.ts'
import { openTask, type TaskEngine } from './engine/task-engine.ts'
import { stepSql } from './engine/transform/step-sql.ts'
import { PermanentError } from './errors/errors.ts'
import { nameTask } from './errors/task-error.ts'
import type { SchemaColumn } from './model/outcome/manifest.ts'
import { checkBucketWise } from './sql/bucket-wise.ts'
import { checkRowWise } from './sql/row-wise.ts'
import { inOwnFolder } from './store/own-folder.ts'

/** Columns with the engine's names of types, or the reason why they are not known before a run. */
export type TaskSchema =
  | { readonly columns: readonly { readonly name: string; readonly type: string }[] }
  | { readonly unknown: string }

/** Returns the schemas by task, for tasks that write rows. @throws SQL_*, DEFINITION_INVALID, with the task */
export async function taskSchemas(
  { tasks }: Pick<PipelineDefinition, 'tasks'>,
  options: KnownStepsOptions,
): Promise<Readonly<Record<string, TaskSchema>>> {
  const schemas: Record<string, TaskSchema> = {}
  for (const task of tasks) {
    const { name, output } = task
    if (!layoutOf(output)) continue
    schemas[name] = await stagedSchema(task, options).catch((error: unknown) => {
      throw nameTask(name, error)
    })
  }
  return schemas
}

/** Returns columns by task, without the tasks whose columns depend on the parameters of a run. */
export function knownColumns(
  schemas: Readonly<Record<string, TaskSchema>>,
): Readonly<Record<string, readonly SchemaColumn[]>> {
  const known = Object.entries(schemas).flatMap(([task, schema]) =>
    'columns' in schema ? [[task, schema.columns]] : [],
  )
  return Object.fromEntries(known)
}

/** Returns the columns after the last stage; each stage has the columns of the one before. */
async function stagedSchema(task: TaskDefinition, options: KnownStepsOptions): Promise<TaskSchema> {
  let schema: TaskSchema | undefined
  for (const stage of stagesOf(task)) {
    const layout = layoutOf(stage.output)
    const own = schema && 'columns' in schema ? schema.columns : undefined
    if (!layout) break
    const known = knownSteps(stage, options, schema ? own !== undefined : undefined)
    const found = await schemaOf({ ...stage, layout, own }, known)
    schema = schema && !own ? schema : found
  }
  return schema ?? { unknown: 'it writes no rows' }
}

type RowsTask = TaskDefinition & {
  readonly layout: PartLayout
  /** The columns of the stage before. */
  readonly own?: readonly { readonly name: string; readonly type: string }[] | undefined
}

function schemaOf(task: RowsTask, known: KnownSteps): Promise<TaskSchema> {
  return inOwnFolder(folder => {
    const machine = { folders: [folder], tempFolder: join(folder, 'spill'), memoryBytes: engineBytes }
    const opening = openEngine({ ...machine, load: emptyTables(task.tables) })
    return useEngine(opening, async engine => {
      const opened = (task.columns || task.own) && (await prepare(engine, task, known))
      await checkSyntax(engine, task, known)
      if (known.unknown !== undefined || !opened) return { unknown: known.unknown ?? 'the task declares no columns' }
      return { columns: opened.schema }
    })
  })
}

/** Enough to prepare statements, because nothing is read. */
const engineBytes = 256 * 1024 * 1024

/** Prepares the task as a worker thread does, except for the steps whose columns are not known. */
async function prepare(engine: Engine, task: RowsTask, { typed, unknown }: KnownSteps): Promise<TaskEngine> {
  const { columns = {}, strict, provenance, onNewColumn, onMissingColumn, layout } = task
  const { format } = task.source
  if (!format) throw new PermanentError('DEFINITION_INVALID', 'a format is needed to read rows')
  const parts = unknown === undefined ? layout : { ...layout, partitionBy: [], sortBy: [] }
  const reading = { format, columns, strict, provenance, onNewColumn, onMissingColumn }
  const { source } = task
  const exchangedBy = source.kind === 'exchange' ? source.by : undefined
  const opened = await openTask(
    engine,
    { ...reading, steps: typed, tables: Object.keys(task.tables), parts, hive: hiveNamesOf(source), exchangedBy },
    {},
  )
  if (task.own) await opened.check({ exchanged: task.own })
  return opened
}

async function checkSyntax(engine: Engine, { where, tables, source }: TaskDefinition, { steps, typed }: KnownSteps) {
  const connection = await engine.connect()
  for (const [index, step] of steps.entries()) {
    if (index < typed.length || step?.kind !== 'sql') continue
    // Steps have the numbers that a run gives them: `where` is not counted.
    const number = where === undefined ? index + 1 : index
    const name = number === 0 ? 'where' : `transform step ${number}`
    const given = { where: name, tables: Object.keys(tables) }
    if (step.scope === 'bucket' && source.kind === 'exchange')
      await checkBucketWise(connection, stepSql(step, 1), { ...given, by: source.by })
    else await checkRowWise(connection, stepSql(step, 1), given)
  }
}

function emptyTables(tables: Readonly<Record<string, TableDefinition>>): NonNullable<EngineOptions['load']> {
  return async connection => {
    for (const [name, { columns }] of Object.entries(tables)) {
      if (!columns) continue
      const definitions = Object.entries(columns).map(
        ([column, definition]) => `${quoteName(column)} ${sqlType(definition)}`,
      )
      await connection.run(`create table ${quoteName(name)} (${definitions.join(', ')})`)
    }
  }
}
