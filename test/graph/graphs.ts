/** Tasks for tests of graphs, which never run. */

import type { AnyTaskOptions } from '../../lib/define/index.ts'
import { column, csv, files, parquet, task } from '../../lib/define/index.ts'

/** Creates a task that reads a file; its path has a folder for each parameter that it declares. */
export function fileTask(name: string, options: Partial<AnyTaskOptions> = {}) {
  const path = [name, ...Object.keys(options.params ?? {}).map(param => `{${param}}`)].join('/')
  return task({
    name,
    source: files({ paths: `${path}.csv`, format: csv() }),
    columns: { total: column.int32() },
    output: parquet({ path: `${path}/{salt}` }),
    ...options,
  } as never)
}
