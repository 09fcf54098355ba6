/** Ends jobs of threads that die, load slowly, or have a result that cannot be sent. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openWorkers } from '../../../lib/threads/pool/pool.ts'
import { loadedMessage } from '../../../lib/threads/worker/channel.ts'

describe('a thread that dies', () => {
  it('is replaced by one that may load its modules before the next job begins', async () => {
    const { setup, job } = await mappingFolder('export const map = n => n === 1 ? process.exit(5) : n')
    const loaded: string[] = []
    const watch = (worker: Worker): void => {
      worker.on('message', message => message === loadedMessage && loaded.push('loaded'))
    }
    process.on('worker', watch)
    onTestFinished(() => void process.off('worker', watch))
    const workers = openWorkers({ ...machine, entry: 'worker-map', setup })
    await expect(workers.run(job(1))).rejects.toMatchObject({
      code: 'WORKER_DIED',
      message: 'a worker thread ended during its job: worker exited with code: 5',
    })
    await expect.poll(() => loaded, { timeout: 60_000 }).toHaveLength(2)
    expect(await workers.run(job(2))).toEqual([2])
    await workers.close()
  })

  it('fails the jobs that wait for it, when no thread can be started in its place', async () => {
    const { folder, setup, job } = await mappingFolder(`
      import { existsSync } from 'node:fs'
      import { setTimeout as delay } from 'node:timers/promises'
      export const map = async () => {
        while (!existsSync(new URL('go', import.meta.url))) await delay(10)
        process.exit(5)
      }`)
    const hook = join(folder, 'hook.cjs')
    // Only one thread gets the folder.
    await writeFile(
      hook,
      `require('node:worker_threads').isMainThread || require('node:fs').mkdirSync(${JSON.stringify(join(folder, 'taken'))})`,
    )
    vi.stubEnv('NODE_OPTIONS', `--require ${hook}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const ends: string[] = []
    const watch = (worker: Worker): void => void worker.once('exit', () => ends.push('ended'))
    process.on('worker', watch)
    onTestFinished(() => void process.off('worker', watch))
    const workers = openWorkers({ ...machine, threads: 2, startAtOnce: 1, entry: 'worker-map', setup })
    const jobs = [1, 2, 3].map(n => workers.run(job(n)).catch(error => error.code))
    await expect.poll(() => ends, { timeout: 60_000 }).toHaveLength(1)
    await writeFile(join(folder, 'go'), '')
    expect(await Promise.all(jobs)).toEqual(['WORKER_DIED', 'WORKER_DIED', 'WORKER_DIED'])
    await workers.close()
  })
})

describe('a job', () => {
  it('fails with a result that cannot be sent, and leaves its thread alive', async () => {
    const { setup, job } = await mappingFolder('export const map = n => n === 1 ? () => 1 : n')
    const started: Worker[] = []
    const watch = (worker: Worker): void => void started.push(worker)
    process.on('worker', watch)
    onTestFinished(() => void process.off('worker', watch))
    const workers = openWorkers({ ...machine, entry: 'worker-map', setup })
    await expect(workers.run(job(1))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('got one that cannot: () => 1 could not be cloned; send plain data'),
    })
    expect(await workers.run(job(2))).toEqual([2])
    expect(started).toHaveLength(1)
    await workers.close()
  })

  it('is not abandoned while its thread still loads its modules', async () => {
    const { folder, setup, job } = await mappingFolder(`
      import { setTimeout as delay } from 'node:timers/promises'
      export const map = async (n, { signal }) => {
        while (!signal.aborted) await delay(10)
        throw signal.reason
      }`)
    const hook = join(folder, 'hook.cjs')
    const go = JSON.stringify(join(folder, 'go'))
    await writeFile(
      hook,
      `const { isMainThread } = require('node:worker_threads')
      const { existsSync } = require('node:fs')
      if (!isMainThread) {
        while (!existsSync(${go})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }`,
    )
    vi.stubEnv('NODE_OPTIONS', `--require ${hook}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const workers = openWorkers({ ...machine, entry: 'worker-map', setup })
    const stopped = expect(workers.run(job(1))).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'the map was stopped',
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    workers.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    vi.useRealTimers()
    await writeFile(join(folder, 'go'), '')
    await stopped
    expect(workers.isHung).toBe(false)
    await workers.close()
  })
})

const machine = { threads: 1, heapBytes: 2 ** 27, onMessage: () => {} }

/** Writes a module with the function `map`, and returns the setup of threads that map by it. */
async function mappingFolder(code: string) {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-pool-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'map.mjs')
  await writeFile(file, code)
  const bundle = { file, url: pathToFileURL(file).href, files: [file] }
  const job = (value: unknown) => ({ kind: 'map', values: [value], firstIndex: 0 }) as const
  return { folder, setup: { bundle, map: 'map', params: {}, concurrency: 1 }, job }
}
