/** The heap of a thread in a process that was started as Lambda starts Node. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const library = new URL('../../../lib/threads/worker/thread-memory.ts', import.meta.url).href

/** Rows as objects, of which some hundred thousand live a while, as a map function makes them. */
const script = `
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { enlargeYoungGeneration, resetHeapFlags, threadLimits } from '${library}'
if (isMainThread) {
  resetHeapFlags()
  const resourceLimits = threadLimits(247 * 1048576)
  enlargeYoungGeneration(resourceLimits)
  const worker = new Worker(new URL(import.meta.url), { resourceLimits })
  worker.once('message', message => console.log(JSON.stringify(message)))
} else {
  const newSpaceBytes = () => getHeapSpaceStatistics().find(space => space.space_name === 'new_space').space_size
  const began = newSpaceBytes()
  const kept = []
  let newSpace = 0
  for (let round = 0; round < 60; round++) {
    const rows = []
    for (let at = 0; at < 40_000; at++) rows.push({ at, text: 'x' + at, pair: [at, at + 1], date: new Date(at) })
    kept.push(rows)
    if (kept.length > 6) kept.shift()
    newSpace = Math.max(newSpace, newSpaceBytes())
  }
  const mebibytes = bytes => Math.round(bytes / 1048576)
  const heap = mebibytes(getHeapStatistics().heap_size_limit)
  parentPort.postMessage({ heap, began: mebibytes(began), newSpace: mebibytes(newSpace) })
}
`

it('is bounded by the limits of the thread, not by the flags of Node on a function of 3,008 MB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-heap-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'heap.mjs')
  await writeFile(file, script)
  const flags = ['--max-old-space-size=2707', '--max-semi-space-size=150']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file])
  const { heap, began, newSpace } = JSON.parse(stdout)
  // With the flags of the process it is 1,015, of which 256 are new space. A collection under way may hold a page or two more than 48.
  expect(heap).toBe(247 + 48)
  expect(newSpace).toBeLessThanOrEqual(56)
  // The modules of a thread fit into it.
  expect(began).toBeGreaterThanOrEqual(8)
})

it('is given back after a plan of many inputs, where it has grown', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-heap-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'shrink.mjs')
  await writeFile(
    file,
    `
import { returnHeap } from '${new URL('../../../lib/threads/worker/return-heap.ts', import.meta.url).href}'
let kept = []
for (let at = 0; at < 1_500_000; at++) kept.push({ at, text: 'x' + at })
kept = kept.slice(0, 1000)
const before = process.memoryUsage().heapTotal
returnHeap()
console.log(JSON.stringify({ before, after: process.memoryUsage().heapTotal, kept: kept.length }))
`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [file])
  const { before, after } = JSON.parse(stdout)
  expect(before).toBeGreaterThan(100e6)
  expect(after).toBeLessThan(20e6)
})

it('is tested on the emulator of AWS with both of these flags', async () => {
  const executor = 'test/localstack/process_executor/localstack_process_executor/executor.py'
  const text = await readFile(executor, 'utf8')
  expect(text).toContain(
    '[f"--max-old-space-size={max(64, memory * 9 // 10)}", f"--max-semi-space-size={memory // 20}"]',
  )
  expect(text).toContain('[NODE, *flags, RUNTIME]')
})
