/** The columns that each task writes, found as a run finds them: its transform prepared against empty inputs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveSteps } from './core/resolve-task.ts'
import type { ParamDefinition, ParamValue, PipelineDefinition, TaskDefinition } from './define/definition.ts'
import { sqlType } from './engine/column-sql.ts'
import { openEngine } from './engine/engine.ts'
import { quoteName } from './engine/quote.ts'
import { openTask } from './engine/task-engine.ts'

/** With the engine's names of types; or why they are not known before a run. */
export type TaskSchema =
  | { readonly columns: readonly { readonly name: string; readonly type: string }[] }
  | { readonly unknown: string }

/** By task; none for tasks that write no Parquet. @throws SQL_*, DEFINITION_INVALID */
export async function taskSchemas({ tasks }: PipelineDefinition): Promise<Readonly<Record<string, TaskSchema>>> {
  const schemas: Record<string, TaskSchema> = {}
  for (const task of tasks) if (task.output.kind === 'parquet') schemas[task.name] = await schemaOf(task)
  return schemas
}

async function schemaOf(task: TaskDefinition): Promise<TaskSchema> {
  const { columns, tables, source, output } = task
  const undeclared = Object.entries(tables).find(([, table]) => !table.columns)?.[0]
  if (!columns) return { unknown: 'the task declares no columns' }
  if (undeclared) return { unknown: `its table ${undeclared} declares no columns` }
  if (!source.format || output.kind !== 'parquet') return { unknown: 'its source has no format' }
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-schema-'))
  const engine = await openEngine({
    folders: [folder],
    tempFolder: join(folder, 'spill'),
    memoryBytes: engineBytes,
    load: emptyTables(tables),
  })
  try {
    const { strict, provenance, onNewColumn, onMissingColumn } = task
    const steps = resolveSteps(
      task,
      Object.fromEntries(Object.entries(task.params).map(([name, param]) => [name, sampleOf(param)])),
    )
    const opened = await openTask(
      engine,
      {
        format: source.format,
        columns,
        steps,
        strict,
        provenance,
        keepNew: onNewColumn === 'keep',
        onNewColumn,
        onMissingColumn,
        parts: output,
      },
      {},
    )
    return { columns: opened.schema }
  } finally {
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Nothing is read: enough to prepare statements. */
const engineBytes = 256 * 1024 * 1024

function emptyTables(tables: TaskDefinition['tables']): NonNullable<Parameters<typeof openEngine>[0]['load']> {
  return async connection => {
    for (const [name, { columns = {} }] of Object.entries(tables)) {
      const definitions = Object.entries(columns).map(
        ([column, definition]) => `${quoteName(column)} ${sqlType(definition)}`,
      )
      await connection.run(`create table ${quoteName(name)} (${definitions.join(', ')})`)
    }
  }
}

/** Steps may depend on parameters; their columns should not. */
function sampleOf({ type, default: given, values = [] }: ParamDefinition): ParamValue {
  const samples: Readonly<Record<ParamDefinition['type'], ParamValue>> = {
    ...{ string: 'x', int: 1, float: 1, boolean: true, enumeration: values[0] ?? 'x' },
    ...{ date: '2000-01-01', month: '2000-01', timestamp: '2000-01-01T00:00:00Z' },
  }
  return given ?? samples[type]
}
