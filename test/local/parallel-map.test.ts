/** Maps over the values of a program. */
import { execFile } from 'node:child_process'
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type ParallelContext, parallelMap } from '../../lib/index.ts'

const root = join(import.meta.dirname, '../..')

/** A module for all tests; functions of the test have the same names. */
const module = join(mkdtempSync(join(tmpdir(), 'fanmill-map-')), 'score.ts')
writeFileSync(
  module,
  `
import { setTimeout as delay } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
let last: number | undefined
export const load = ({ params }: any) => ({ thread: threadId, offset: params.factor * 100 })
export const scale = (n: number, { params, state }: any) => n * params.factor + state.offset
export const where = async (n: number, { state }: any) => { await delay(n % 3); return [state.thread, threadId] }
export async function overwritten(n: number) { last = n; await delay(n % 5); return last }
export function fails(n: number) { if (n === 7) throw new RangeError('seven'); return n }
export const makesFunction = () => () => 1
export async function waits(_n: number, { signal }: any) { await delay(60_000, undefined, { signal }) }
export const sums = (batch: Float64Array) => Float64Array.of(batch.reduce((sum, n) => sum + n, 0))
`,
)

const named = <Map>(name: string) => Object.defineProperty(() => undefined, 'name', { value: name }) as unknown as Map
const scale = named<(n: number, context: ParallelContext<{ factor: number }, { offset: number }>) => number>('scale')
const load = named<(context: { params: { factor: number } }) => { offset: number }>('load')
type Async<Result> = (n: number) => Promise<Result>
const numbers = (length: number): number[] => Array.from({ length }, (_, n) => n)

describe('parallelMap', () => {
  it('returns the results in the order of the values, with parameters and what setup returned', async () => {
    const results = await parallelMap(numbers(1000), scale, { module, params: { factor: 2 }, setup: load, workers: 2 })
    expectTypeOf(results).toEqualTypeOf<number[]>()
    expect(results).toEqual(numbers(1000).map(n => n * 2 + 200))
  })

  it('spreads the values over all workers, each with one setup', async () => {
    const where = named<Async<[number, number]>>('where')
    const threads = await parallelMap(numbers(64), where, { module, params: { factor: 1 }, setup: load, workers: 2 })
    expectTypeOf(threads).toEqualTypeOf<[number, number][]>()
    expect(threads.every(([opened, used]) => opened === used)).toBe(true)
    expect(new Set(threads.map(([opened]) => opened)).size).toBe(2)
  })

  it('keeps parallel calls from overwriting the variables of the module', async () => {
    const overwritten = named<Async<number>>('overwritten')
    expect(await parallelMap(numbers(50), overwritten, { module: pathToFileURL(module), workers: 1 })).toEqual(
      numbers(50),
    )
  })

  it('takes batches of columns as typed arrays, and values that come one after another', async () => {
    async function* batches() {
      for (let n = 0; n < 10; n++) yield new Float64Array(1000).fill(n)
    }
    const sums = named<(batch: Float64Array) => Float64Array>('sums')
    expect((await parallelMap(batches(), sums, { module })).flatMap(sum => [...sum])).toEqual(
      numbers(10).map(n => n * 1000),
    )
  })

  it('returns nothing for no values', async () => {
    expect(await parallelMap([], named<Async<number>>('overwritten'), { module })).toEqual([])
  })

  it.each([
    ['fails', 'TRANSFORM_FAILED', 'parallelMap: fails() threw at index 7: seven'],
    ['absent', 'DEFINITION_LOAD', 'to export the function absent, it exports fails, load,'],
    ['makesFunction', 'USAGE', 'expected values and results that can be sent between threads'],
    ['', 'USAGE', 'expected the function to be exported under its name'],
  ])('fails clearly for the function "%s"', async (name, code, message) => {
    const failing = parallelMap(numbers(20), named<Async<number>>(name), { module, workers: 2 })
    await expect(failing).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('refuses a value that cannot be sent to a thread, and a module that is not there', async () => {
    const fails = named<(value: unknown) => unknown>('fails')
    await expect(parallelMap([() => 1], fails, { module })).rejects.toMatchObject({ code: 'USAGE' })
    const absent = parallelMap([1], fails, { module: 'absent.ts' })
    await expect(absent).rejects.toMatchObject({
      message: 'expected a module with a function, found none at absent.ts',
    })
    await expect(parallelMap([1], fails, {} as never)).rejects.toMatchObject({ code: 'USAGE' })
  })

  it('stops when its signal is aborted', async () => {
    const stopping = new AbortController()
    const mapping = parallelMap(numbers(20), named<Async<void>>('waits'), { module, signal: stopping.signal })
    setTimeout(() => stopping.abort(), 300)
    await expect(mapping).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('maps by a function of the program itself only where importing the program does not map again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fanmill-map-'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(
      join(folder, 'program.mjs'),
      `const { parallelMap } = await import([${JSON.stringify(pathToFileURL(join(root, 'lib/index.ts')).href)}].join())
export const double = n => 2 * n
console.log(await parallelMap([1, 2], double, { module: import.meta.url }).catch(error => error.message))`,
    )
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'program.mjs')])
    expect(stdout).toContain('move the function into a module of its own')
  })
})
