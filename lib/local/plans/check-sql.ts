/** Prepares a task's statements in an engine of its own, as a worker thread does before it reads data. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ParamValues, TaskDefinition } from '../../define/definition.ts'
import { stagesOf } from '../../define/tasks/task-stages.ts'
import { openEngine } from '../../duckdb/engine.ts'
import { engineTask } from '../../engine/engine-task.ts'
import { loadTables } from '../../engine/read/load-tables.ts'
import { openTask, type TaskEngine } from '../../engine/task-engine.ts'
import { nameTask } from '../../errors/task-error.ts'
import type { TableStores } from '../../inputs/table-pieces.ts'
import { fetchTables } from '../../inputs/tables.ts'
import { type FoundColumns, stageColumns } from '../../model/stage-columns.ts'
import { makeOwnFolder, removeOwnFolder } from '../../store/own-folder.ts'

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
  const folder = makeOwnFolder(tmpdir())
  try {
    const { files } = await fetchTables({ ...stores, stageFolder: folder }, task, params)
    const schemas: TaskEngine['schema'][] = []
    for (const [index, stage] of stagesOf(task).entries()) {
      const columns = stageColumns(task, index, { found, schemas })
      // Steps after unknown columns are checked when these are known.
      if (!columns) break
      const engine = await openEngine({
        folders: [folder],
        tempFolder: join(folder, 'spill'),
        memoryBytes: engineBytes,
        load: loadTables(files),
      })
      try {
        const opened = await openTask(engine, { ...engineTask(stage, { params }), isCheckedLater: true }, {})
        await opened.check(columns)
        schemas.push(opened.schema)
      } finally {
        engine.close()
      }
    }
  } catch (error) {
    throw nameTask(task.name, error)
  } finally {
    removeOwnFolder(folder)
  }
}
