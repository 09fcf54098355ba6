/**
 * Finds the columns of each task's output at synthesis as a run finds them: by preparing its transform against empty inputs.
 * Steps whose columns are known only with inputs are checked by their syntax.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KnownSteps, type KnownStepsOptions, knownSteps } from './bundle-steps.ts'
import type { PipelineDefinition, TableDefinition, TaskDefinition } from './define/definition.ts'
import { hiveNamesOf } from './define/hive-names.ts'
import { layoutOf, type PartLayout } from './define/output-kind.ts'
import { type Engine, openEngine } from './engine/duckdb/engine.ts'
import { quoteName } from './engine/duckdb/quote.ts'
import { sqlType } from './engine/read/column-sql.ts'
import { checkRowWise } from './engine/sql/row-wise.ts'
import { openTask, type TaskEngine } from './engine/task-engine.ts'
import { stepSql } from './engine/transform/transform.ts'
import { PermanentError } from './errors/errors.ts'
import { nameTask } from './errors/task-error.ts'

/** Columns with the engine's names of types, or the reason why they are not known before a run. */
export type TaskSchema =
  | { readonly columns: readonly { readonly name: string; readonly type: string }[] }
  | { readonly unknown: string }

/** Returns the schemas by task, for tasks that write rows. @throws SQL_*, DEFINITION_INVALID, with the task */
export async function taskSchemas(
  { tasks }: PipelineDefinition,
  options: KnownStepsOptions,
): Promise<Readonly<Record<string, TaskSchema>>> {
  const schemas: Record<string, TaskSchema> = {}
  for (const task of tasks) {
    const { name, output } = task
    const layout = layoutOf(output)
    if (!layout) continue
    schemas[name] = await schemaOf({ ...task, layout }, knownSteps(task, options)).catch((error: unknown) => {
      throw nameTask(name, error)
    })
  }
  return schemas
}

type RowsTask = TaskDefinition & { readonly layout: PartLayout }

async function schemaOf(task: RowsTask, known: KnownSteps): Promise<TaskSchema> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-schema-'))
  const engine = await openEngine({
    folders: [folder],
    tempFolder: join(folder, 'spill'),
    memoryBytes: engineBytes,
    load: emptyTables(task.tables),
  })
  try {
    const opened = task.columns && (await prepare(engine, task, known))
    await checkSyntax(engine, task, known)
    if (known.unknown !== undefined || !opened) return { unknown: known.unknown ?? 'the task declares no columns' }
    return { columns: opened.schema }
  } finally {
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
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
  const opened = await openTask(
    engine,
    { ...reading, steps: typed, tables: Object.keys(task.tables), parts, hive: hiveNamesOf(task.source) },
    {},
  )
  return opened
}

async function checkSyntax(
  engine: Engine,
  { where, tables }: TaskDefinition,
  { steps, typed }: KnownSteps,
): Promise<void> {
  const connection = await engine.connect()
  for (const [index, step] of steps.entries()) {
    if (index < typed.length || step?.kind !== 'sql') continue
    // Steps have the numbers that a run gives them: `where` is not counted.
    const number = where === undefined ? index + 1 : index
    const name = number === 0 ? 'where' : `transform step ${number}`
    await checkRowWise(connection, stepSql(step, 1), { where: name, tables: Object.keys(tables) })
  }
}

function emptyTables(
  tables: Readonly<Record<string, TableDefinition>>,
): NonNullable<Parameters<typeof openEngine>[0]['load']> {
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
