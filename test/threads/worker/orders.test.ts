/** Orders to end a job, which may come before its query begins or before its thread is open. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBConnection } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { column, csv, files, sql } from '../../../lib/define/index.ts'
import type { WorkerJob } from '../../../lib/model/worker-job.ts'
import { diskStore } from '../../../lib/store/disk/store.ts'
import { openThread, type Thread } from '../../../lib/threads/worker/worker-thread.ts'
import { taskOf } from '../../engine/converting.ts'

let folder: string
let thread: Thread
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-orders-'))
  for (const name of ['in', 'stage', 'parts']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'in/x.csv'), `n\n${Array.from({ length: 9000 }, (_, n) => `${n}\n`).join('')}`)
})
afterEach(() => {
  vi.restoreAllMocks()
  thread.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Counts far more rows than an engine can in a day. */
const endless = {
  ...sql`select count(*) as many from input a, input b, input c, input d where hash(a.n, b.n, c.n, d.n) = 7`,
  scope: 'any-slice',
} as const

async function openEndless(): Promise<WorkerJob> {
  const columns = { n: column.int32() }
  thread = await openThread(
    taskOf({ columns, source: files({ paths: '*.csv', format: csv() }), transform: [endless] }),
    {
      ...{ params: {}, tables: [], input: { kind: 'disk', folder: join(folder, 'in') } },
      ...{ stageFolder: join(folder, 'stage'), partFolder: join(folder, 'parts') },
      ...{ engineBytes: 256 * 1024 * 1024, stageBytesMax: 1e9 },
    },
    () => {},
  )
  const found = await diskStore(join(folder, 'in')).stat('x.csv')
  const sizeBytes = found?.sizeBytes ?? 0
  const inputs = { 0: { key: 'x.csv', sizeBytes, etag: found?.etag ?? '', identity: '' } }
  const slices = [{ kind: 'file', slice: 0, input: 0, bytes: sizeBytes }] as const
  return { kind: 'share', slices, inputs, target: join(folder, 'parts/p'), groupBytes: 1e6 }
}

/** Gives the order at the last moment before the endless query begins, when nothing runs that it could end. */
function orderBeforeQuery(order: () => void): void {
  const { run } = DuckDBConnection.prototype
  vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (this: DuckDBConnection, ...given) {
    if (given[0].includes('COPY')) order()
    return run.apply(this, given)
  })
}

describe('an order that comes just before a query begins', () => {
  it('ends the query, when the run is stopped', async () => {
    const job = await openEndless()
    const order = vi.fn(() => thread.stop())
    orderBeforeQuery(order)
    await expect(thread.run(job as never)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(order).toHaveBeenCalled()
  })

  it('ends the query with its reason, when memory is short', async () => {
    const job = await openEndless()
    const order = vi.fn(() => thread.interrupt({ message: 'too much', detail: {} }))
    orderBeforeQuery(order)
    await expect(thread.run(job as never)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', message: 'too much' })
    expect(order).toHaveBeenCalled()
  })
})

it('are repeated no longer than their job runs: one that comes after it leaves no timer, which would end later queries', async () => {
  await openEndless()
  await thread.run<'check'>({ kind: 'check' })
  const repeat = vi.spyOn(globalThis, 'setInterval')
  thread.interrupt({ message: 'too much', detail: {} })
  expect(repeat).not.toHaveBeenCalled()
  await thread.run<'check'>({ kind: 'check' })
  thread.stop()
  expect(repeat).not.toHaveBeenCalled()
})
