import type { Worker } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { openWorkers } from '../../lib/io/worker-pool.ts'

it('ends threads only when they have loaded their modules, although nobody gave them work: ending one before may abort the process', async () => {
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
