/** Evaluates conditions over partitions in an engine of its own, for the plan of a task that reads a dataset. */
import { join } from 'node:path'
import type { PartitionQuery } from '../model/partition-query.ts'
import { inOwnFolder } from '../store/own-folder.ts'

const engineBytes = 256 * 1024 * 1024

/** Returns for each partition whether it may have rows for the conditions. @throws SQL_INVALID */
export async function neededPartitions(query: PartitionQuery): Promise<readonly boolean[]> {
  // Deliberately loaded here, because they bring an engine into this thread, which most plans do not need.
  const { openEngine, useEngine } = await import('../duckdb/engine.ts')
  const filter = await import('../query/partition-filter.ts')
  return inOwnFolder(folder => {
    const machine = { folders: [folder], tempFolder: join(folder, 'spill'), memoryBytes: engineBytes }
    return useEngine(openEngine(machine), engine => filter.neededPartitions(engine, query))
  })
}
