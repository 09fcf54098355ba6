import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as macrotask } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { bundlePipeline } from '../../lib/bundle/bundle.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { openWorkers } from '../../lib/threads/pool.ts'
import { buildZip } from '../zip-builder.ts'

it('ends unused threads only after they loaded their modules, because ending one earlier may abort the process', async () => {
  const said: string[] = []
  const watch = (worker: Worker): void => {
    worker.once('message', () => said.push('loaded'))
    worker.once('exit', () => said.push('ended'))
  }
  process.on('worker', watch)
  onTestFinished(() => void process.off('worker', watch))
  const workers = openWorkers({ threads: 2, setup: new Promise(() => {}), heapBytes: 2 ** 27, onMessage: () => {} })
  await workers.close()
  expect(said).toEqual(['loaded', 'loaded', 'ended', 'ended'])
})

describe('a job', () => {
  it('keeps no reference to its answer', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { workers, job } = await openExtracting()
    const answers: WeakRef<object>[] = []
    for (let count = 0; count < 5; count++) answers.push(new WeakRef(await workers.run(job)))
    await macrotask()
    collect()
    expect(answers.filter(answer => answer.deref())).toHaveLength(0)
    await workers.close()
  })

  it('that waits for its setup when the run is stopped is not started', async () => {
    const late = Promise.withResolvers<void>()
    const { workers, job } = await openExtracting(late.promise)
    const running = workers.run(job)
    workers.stop()
    late.resolve()
    await expect(running).rejects.toMatchObject({ code: 'ABORTED', message: 'the run was stopped' })
    await workers.close()
  })

  it('opens its thread again when opening it failed with a transient error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanmill-pool-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'pipeline.ts'), pipelineText)
    const bundle = await bundlePipeline(join(folder, 'pipeline.ts'), { outFolder: join(folder, 'bundle') })
    const inTheWay = join(folder, 'stage')
    await writeFile(inTheWay, '')
    const machine = { input: { kind: 'disk', folder }, stageFolder: inTheWay, partFolder: folder }
    const limits = { engineBytes: 2 ** 28, stageBytesMax: 2 ** 20 }
    const setup = { bundle, task: 'points', params: {}, tables: [], ...machine, ...limits }
    const workers = openWorkers({ threads: 1, setup, heapBytes: 2 ** 27, onMessage: () => {} })
    await expect(workers.run<'check'>({ kind: 'check' })).rejects.toThrow('ENOTDIR')
    await rm(inTheWay)
    expect(await workers.run<'check'>({ kind: 'check' })).toEqual({ schema: [{ name: 'x', type: 'INTEGER' }] })
    await workers.close()
  })
})

it('waits for running jobs before it ends threads, even when their callers no longer wait', async () => {
  const { workers, job } = await openExtracting()
  const ended: string[] = []
  for (let count = 0; count < 4; count++)
    workers
      .run(job)
      .finally(() => ended.push('job'))
      .catch(() => undefined)
  await macrotask()
  await workers.close()
  expect(ended).toEqual(['job', 'job', 'job', 'job'])
})

it('abandons no thread when it is stopped without a running job', async () => {
  const { workers, job } = await openExtracting()
  await workers.run(job)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  workers.stop()
  vi.advanceTimersByTime(60_000)
  vi.useRealTimers()
  expect(workers.isHung).toBe(false)
  await expect(workers.run(job)).rejects.toMatchObject({ code: 'ABORTED' })
  await workers.close()
})

/** A thread that extracts, when `late` has come, and a job for it, of no members. */
async function openExtracting(late: Promise<void> = Promise.resolve()) {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-pool-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'a.zip'), buildZip({}))
  const input = await diskStore(folder).stat('a.zip')
  const slice = {
    kind: 'members',
    slice: 0,
    input: 0,
    range: { start: 0, end: 0 },
    memberCount: 0,
    members: '[]',
    bytes: 0,
  } as const
  const setup = { input: { kind: 'disk', folder }, limits: { memberBytesMax: 1 }, onBadMember: 'fail' }
  const options = { threads: 1, heapBytes: 2 ** 27, onMessage: () => {} }
  return {
    workers: openWorkers({ ...options, entry: 'worker-extract', setup: late.then(() => setup) }),
    job: { kind: 'extract', slice, input: { ...input!, identity: '' }, folder } as const,
  }
}

const pipelineText = `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
const points = task({
  name: 'points',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 'points' }),
})
export default pipeline({ name: 'grid', tasks: [points] })
`
