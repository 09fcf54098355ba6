import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as macrotask } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { bundlePipeline } from '../../../lib/bundle/bundle.ts'
import type { WorkerMessage, Workers } from '../../../lib/model/worker-job.ts'
import { diskStore } from '../../../lib/store/disk/store.ts'
import { openPool, openWorkers } from '../../../lib/threads/pool/pool.ts'
import { buildZip } from '../../zip-builder.ts'

it('ends unused threads only after they loaded their modules, because ending one earlier may abort the process', async () => {
  const events: string[] = []
  const watch = (worker: Worker): void => {
    worker.once('message', () => events.push('loaded'))
    worker.once('exit', () => events.push('ended'))
  }
  process.on('worker', watch)
  onTestFinished(() => void process.off('worker', watch))
  const workers = openWorkers({ threads: 2, setup: {}, heapBytes: 2 ** 27, onMessage: () => {} })
  await workers.close()
  expect(events).toEqual(['loaded', 'loaded', 'ended', 'ended'])
})

it('starts a second thread only when the first has loaded its modules and a job finds no free one', async () => {
  const events: string[] = []
  const watch = (worker: Worker): void => {
    events.push('started')
    worker.once('message', () => events.push('loaded'))
  }
  process.on('worker', watch)
  onTestFinished(() => void process.off('worker', watch))
  const { setup, opened } = await pipelineFolder()
  const pool = openPool({ ...machine, threads: 2, startAtOnce: 1 })
  const workers = pool.workersFor({ setup, onMessage })
  await Promise.all([0, 1].map(() => workers.run<'check'>({ kind: 'check' })))
  expect(await opened()).toBe(2)
  await workers.close()
  await pool.close()
  expect(events).toEqual(['started', 'loaded', 'started', 'loaded'])
})

describe('a thread that cannot load its modules', () => {
  it('fails the jobs that wait for it, with the cause', async () => {
    const { folder, setup } = await pipelineFolder()
    const hook = join(folder, 'hook.cjs')
    await writeFile(hook, withoutEngine)
    vi.stubEnv('NODE_OPTIONS', `--require ${hook}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const workers = openWorkers({ ...machine, setup })
    for (const when of ['before its job', 'while it loaded its modules', 'while it loaded its modules'])
      await expect(workers.run<'check'>({ kind: 'check' })).rejects.toMatchObject({
        code: 'WORKER_DIED',
        message: `a worker thread ended ${when}: the engine is not installed`,
      })
    await workers.close()
  })
})

describe('a job', () => {
  it('fails with the error of a function also when a field of it cannot be sent', async () => {
    const { setup } = await pipelineFolder(`() => {
      throw Object.assign(new Error('no connection'), { code: 'ECONNREFUSED', detail: { retry: () => 1, tries: 3n } })
    }`)
    const workers = openWorkers({ ...machine, setup })
    await expect(workers.run<'check'>({ kind: 'check' })).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: 'task points: setup threw: no connection',
    })
    await workers.close()
  })

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

  it('that is queued when the run is stopped is not started', async () => {
    const { workers, job } = await openExtracting()
    // The thread has loaded its modules when its first job is done.
    await workers.run(job)
    const first = workers.run(job).catch(() => undefined)
    const queued = workers.run(job)
    workers.stop()
    await expect(queued).rejects.toMatchObject({ code: 'ABORTED', message: 'the run was stopped' })
    await first
    await workers.close()
  })

  it('that is not needed any more when it is asked for is not started', async () => {
    const { workers, job } = await openExtracting()
    await expect(workers.run(job, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    await workers.close()
    expect(workers.isHung).toBe(false)
  })

  it('does not fail by an exception that escapes after the job before had ended, which is logged', async () => {
    const { folder, setup } = await pipelineFolder(`() => {
      const timer = setInterval(() => {
        if (!existsSync(folder + '/go')) return
        clearInterval(timer)
        writeFileSync(folder + '/thrown', '')
        throw new Error('escaped')
      }, 10)
    }`)
    const logged: string[] = []
    const keep = (message: WorkerMessage): void => void (message.kind === 'log' && logged.push(message.message))
    const workers = openWorkers({ ...machine, setup, onMessage: keep })
    await workers.run<'check'>({ kind: 'check' })
    await writeFile(join(folder, 'go'), '')
    await expect.poll(() => existsSync(join(folder, 'thrown'))).toBe(true)
    expect(await workers.run<'check'>({ kind: 'check' })).toMatchObject({ schema: [{ name: 'x' }] })
    expect(logged).toEqual(['after a job had ended: uncaught exception in your code: escaped'])
    await workers.close()
  })

  it('opens its thread again when opening it failed with a transient error', async () => {
    const { folder, setup } = await pipelineFolder()
    const inTheWay = join(folder, 'blocked')
    await writeFile(inTheWay, '')
    const workers = openWorkers({ ...machine, setup: { ...setup, stageFolder: inTheWay } })
    await expect(workers.run<'check'>({ kind: 'check' })).rejects.toThrow('ENOTDIR')
    await rm(inTheWay)
    expect(await workers.run<'check'>({ kind: 'check' })).toEqual({ schema: [{ name: 'x', type: 'INTEGER' }] })
    await workers.close()
  })
})

describe('a pool for several tasks', () => {
  const check = (workers: Workers) => workers.run<'check'>({ kind: 'check' })

  it('keeps the engines of the last two tasks, and opens those of earlier ones again', async () => {
    const { setup, opened } = await pipelineFolder()
    const pool = openPool(machine)
    const [a, b, c] = Array.from({ length: 3 }, () => pool.workersFor({ setup, onMessage }))
    for (const workers of [a, b, a, b]) await check(workers!)
    expect(await opened()).toBe(2)
    await check(c!)
    await check(b!)
    expect(await opened()).toBe(3)
    await check(a!)
    expect(await opened()).toBe(4)
    for (const workers of [a, b, c]) await workers!.close()
    await pool.close()
  })

  it('closes the engine of a task whose workers are closed', async () => {
    const { folder, setup } = await pipelineFolder()
    const pool = openPool(machine)
    const [first, second] = [0, 1].map(() => pool.workersFor({ setup, onMessage })) as [Workers, Workers]
    const stageFolders = async () => (await readdir(folder)).filter(name => name.startsWith('thread-'))
    await check(first)
    const [name] = await stageFolders()
    await first.close()
    await check(second)
    expect(await stageFolders()).toHaveLength(1)
    expect(await stageFolders()).not.toContain(name)
    await second.close()
    await pool.close()
  })

  it('runs the jobs of other tasks after the workers of one were stopped', async () => {
    const { setup } = await pipelineFolder()
    const pool = openPool(machine)
    const [first, second] = [0, 1].map(() => pool.workersFor({ setup, onMessage })) as [Workers, Workers]
    await check(first)
    first.stop()
    await expect(check(first)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await check(second)).toMatchObject({ schema: [{ name: 'x' }] })
    expect(pool.isHung).toBe(false)
    await first.close()
    await second.close()
    await pool.close()
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

it('stops a setup that waits for its signal', async () => {
  const waiting = `({ signal }) => new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the connection was closed')))
    appendFileSync(folder + '/opened', '.')
  })`
  const { setup, opened } = await pipelineFolder(waiting)
  const workers = openWorkers({ ...machine, setup })
  const checking = expect(workers.run<'check'>({ kind: 'check' })).rejects.toMatchObject({
    code: 'ABORTED',
    message: 'the run was stopped',
  })
  await vi.waitFor(async () => expect(await opened()).toBe(1), { timeout: 60_000 })
  workers.stop()
  await checking
  expect(workers.isHung).toBe(false)
  await workers.close()
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

/** Opens a thread that extracts, and a job for it without members. */
async function openExtracting() {
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
    workers: openWorkers({ ...options, entry: 'worker-extract', setup }),
    job: { kind: 'extract', slice, input: { ...input!, identity: '' }, folder } as const,
  }
}

const withoutEngine = `require('node:module').registerHooks({
  resolve(name, context, next) {
    if (name.startsWith('@duckdb/')) throw new Error('the engine is not installed')
    return next(name, context)
  },
})`

const onMessage = (): void => {}
const machine = { threads: 1, heapBytes: 2 ** 27, onMessage }

/** Bundles a pipeline and returns the setup of its task, and how often its `setup` ran. */
async function pipelineFolder(taskSetup?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-pool-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const log = join(folder, 'opened')
  await writeFile(log, '')
  await writeFile(join(folder, 'pipeline.ts'), pipelineText(log, folder, taskSetup))
  const bundle = await bundlePipeline(join(folder, 'pipeline.ts'), { outFolder: join(folder, 'bundle') })
  const places = { input: { kind: 'disk', folder }, stageFolder: folder, partFolder: folder }
  const limits = { engineBytes: 2 ** 28, stageBytesMax: 2 ** 20 }
  const setup = { bundle, task: 'points', params: {}, tables: [], ...places, ...limits }
  return { folder, setup, opened: async () => (await readFile(log, 'utf8')).length }
}

const pipelineText = (log: string, folder: string, setup = `() => appendFileSync(${JSON.stringify(log)}, '.')`) => `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
const folder = ${JSON.stringify(folder)}
void [appendFileSync, existsSync, writeFileSync, folder]
const points = task({
  name: 'points',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { x: column.int32() },
  output: parquet({ path: 'points' }),
  setup: ${setup},
})
export default pipeline({ name: 'grid', tasks: [points] })
`
