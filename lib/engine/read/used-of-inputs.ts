/** Finds the columns of inputs that a task uses, once for inputs with the same columns. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SideColumns } from '../../model/plan-data.ts'
import { hiveColumns } from '../../paths/hive-columns.ts'
import type { FileColumns } from '../../stage/staging.ts'
import type { EngineTask } from '../engine-task.ts'
import { usedSides } from './join-read.ts'
import { usedColumns } from './used-columns.ts'

/** Returns the columns of a file that the steps use; undefined where they may use all. */
export type UsedOfFile = (file: FileColumns) => Promise<ReadonlySet<string> | undefined>

/** Returns those columns of the sides of a join that are read; undefined where nothing is joined. */
export type UsedOfSides = (sides: SideColumns | undefined) => Promise<SideColumns | undefined>

/** Returns a function that finds the columns of the sides of a join that are used. */
export function usedOfSides(connection: DuckDBConnection, { join, steps }: EngineTask): UsedOfSides {
  const found = new Map<string, ReturnType<typeof usedSides>>()
  return async sides => {
    if (!join || !sides) return undefined
    const key = JSON.stringify(sides)
    const used = found.get(key) ?? usedSides(connection, join, { steps, sides })
    found.set(key, used)
    return used
  }
}

/** Returns a function that finds the columns of a file that are used. */
export function usedOfFile(connection: DuckDBConnection, task: EngineTask): UsedOfFile {
  const { checks = [], onNewColumn = 'ignore', readsHive = true } = task
  if (checks.length > 0 || onNewColumn !== 'ignore') return async () => undefined
  const found = new Map<string, ReadonlySet<string> | undefined>()
  return async ({ archive, names }) => {
    const all = [...names, ...(readsHive ? hiveColumns([archive], []) : [])]
    const key = JSON.stringify(all)
    if (!found.has(key)) {
      const used = await usedColumns(connection, task.steps, all)
      // A query needs a column, also one that only counts rows.
      found.set(key, used && new Set(used.length > 0 ? used : names.slice(0, 1)))
    }
    return found.get(key)
  }
}
