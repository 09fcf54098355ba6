/** Leaves nothing open where a task cannot be opened. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBInstance } from '@duckdb/node-api'
import { expect, it, onTestFinished } from 'vitest'
import { column, csv, files } from '../../../lib/define/index.ts'
import { startEngine } from '../../../lib/duckdb/engine.ts'
import type { TableFile } from '../../../lib/engine/read/load-tables.ts'
import { openThread } from '../../../lib/threads/worker/worker-thread.ts'
import { taskOf } from '../../engine/converting.ts'

const engineBytes = 256 * 1024 * 1024
const columns = { n: column.int32() }
const task = taskOf({ columns, source: files({ paths: '*.csv', format: csv() }) })
const throwing = {
  ...task,
  setup: () => {
    throw new Error('no connection')
  },
}
const lost: TableFile[] = [{ name: 'codes', format: csv(), columns, pieces: [{ file: 'absent.csv' }] }]

it.each<[string, typeof task, readonly TableFile[], string]>([
  ['setup throws', throwing, [], 'setup threw: no connection'],
  ['a table cannot be read', task, lost, 'codes'],
])('closes the engine and removes the folder when %s', async (_, task, tables, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-opening-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const started = startEngine({ memoryBytes: engineBytes })
  let instance: DuckDBInstance | undefined
  const take = async (): Promise<DuckDBInstance> => {
    instance = await started.take()
    return instance
  }
  const setup = {
    ...{ params: {}, tables, input: { kind: 'disk', folder } as const, starting: { ...started, take } },
    ...{ stageFolder: folder, partFolder: folder, engineBytes, stageBytesMax: 1e9 },
  }
  await expect(openThread(task, setup, () => {})).rejects.toThrow(message)
  expect(readdirSync(folder)).toEqual([])
  await expect(instance?.connect()).rejects.toThrow()
})
