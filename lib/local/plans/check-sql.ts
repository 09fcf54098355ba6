/** Prepares a task's statements in an engine of its own, as a worker thread does before it reads data. */
import { join } from 'node:path'
import type { ParamValues, TaskDefinition } from '../../define/definition.ts'
import { stagesOf } from '../../define/tasks/task-stages.ts'
import { openEngine, useEngine } from '../../duckdb/engine.ts'
import { engineTask } from '../../engine/engine-task.ts'
import { loadTables } from '../../engine/read/load-tables.ts'
import { openTask, type TaskEngine } from '../../engine/task-engine.ts'
import { nameTask } from '../../errors/task-error.ts'
import type { TableStores } from '../../inputs/table-pieces.ts'
import { fetchTables } from '../../inputs/tables.ts'
import { type FoundColumns, stageColumns } from '../../model/stage-columns.ts'
import { inOwnFolder } from '../../store/own-folder.ts'

/** Memory of the engine: enough for tables, which are small, and for preparing statements. */
const engineBytes = 512 * 1024 * 1024

/**
 * Loads the task's tables and checks its steps against its columns, and those in the inputs' paths where they are known. Parquet files without declared columns are not read.
 * @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID; INPUT_INVALID for a table that does not load
 */
export async function checkSql(
  task: TaskDefinition,
  params: ParamValues,
  { stores, ...found }: { readonly stores: TableStores } & FoundColumns,
): Promise<void> {
  const checking = inOwnFolder(async folder => {
    const { files } = await fetchTables({ ...stores, stageFolder: folder }, task, params)
    const machine = { folders: [folder], tempFolder: join(folder, 'spill'), memoryBytes: engineBytes }
    const schemas: TaskEngine['schema'][] = []
    for (const [index, stage] of stagesOf(task).entries()) {
      const columns = stageColumns(task, index, { found, schemas })
      // Steps after unknown columns are checked when these are known.
      if (!columns) break
      const opening = openEngine({ ...machine, load: loadTables(files) })
      const schema = await useEngine(opening, async engine => {
        const opened = await openTask(engine, { ...engineTask(stage, { params }), isCheckedLater: true }, {})
        await opened.check(columns)
        return opened.schema
      })
      schemas.push(schema)
    }
  })
  await checking.catch((error: unknown) => {
    throw nameTask(task.name, error)
  })
}
