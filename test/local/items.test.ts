/** Sources that map a function over values. */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDataset, rejects } from '../../lib/index.ts'
import { type Project, projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const columns = `columns: { name: column.string({ required: true }), n: column.int64() },`

/** `source` is the text of the arguments of items; functions can count their calls in `calls`. */
const pipeline = (source: string, more = columns, output = `path: 't'`) => `
import { appendFileSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { column, items, parquet, param, pipeline, task } from 'fanmill'
const calls = new URL('calls', import.meta.url)
const note = text => appendFileSync(calls, text + '\\n')
export const t = task({
  name: 't',
  source: items(${source}),
  ${more}
  output: parquet({ ${output} }),
})
export default pipeline({ name: 't', tasks: [t] })
`

const namesOf = async (some: Project) => (await some.rows()).map(({ name }) => name)
const callsOf = ({ folder }: Project): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')

describe('items', () => {
  it('writes the rows of all values in their order, whichever call ends first', async () => {
    const some = project(
      pipeline(`Array.from({ length: 100 }, (_, n) => n), async n => {
        note('begin'); await delay(n % 7); note('end')
        return n % 10 === 3 ? null : n % 10 === 4 ? [{ name: 'a' + n, n }, { name: 'b' + n, n }] : { name: 'a' + n, n }
      }`),
    )
    const result = await some.run()
    expect(result).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 100, members: 100, bytesIn: 0 }] })
    const all = Array.from({ length: 100 }, (_, n) =>
      n % 10 === 3 ? [] : n % 10 === 4 ? [`a${n}`, `b${n}`] : [`a${n}`],
    )
    expect(await namesOf(some)).toEqual(all.flat())
    expect(await some.run()).toMatchObject({ status: 'skipped' })
    expect(callsOf(some)).toHaveLength(200)
  })

  it('keeps the order over several batches, groups and parts', async () => {
    const source = `Array.from({ length: 60 }, (_, n) => n), n => ({ name: 'x'.repeat(n % 3 === 0 ? 20_000 : 1), n }), { itemBytes: 2e8 }`
    const some = project(pipeline(source))
    await some.run({ workers: 2 }, { groupBytes: 64 * 1024 })
    expect((await some.rows()).map(({ n }) => n)).toEqual(Array.from({ length: 60 }, (_, n) => BigInt(n)))
    expect((await openDataset(join(some.out, 't'))).parts.length).toBeGreaterThan(2)
  })

  it.each([
    [1, 8, 1],
    [4, 8, 4],
    [4, 3, 2],
  ])('has at most %i calls in flight in each worker: with %i values, %i', async (concurrency, values, most) => {
    const source = `Array.from({ length: ${values} }, (_, n) => n), async n => {
      note(threadId + ' begin')
      globalThis.open = (globalThis.open ?? 0) + 1
      // On a busy machine, calls may begin more slowly than one of them takes.
      for (let waits = 0; globalThis.open < ${most} && waits < 100; waits++) await delay(10)
      await delay(50)
      globalThis.open--
      note(threadId + ' end')
      return { name: 'a', n }
    }, { concurrency: ${concurrency} }`
    const some = project(pipeline(source))
    await some.run({ workers: 2 })
    const inFlight = Map.groupBy(callsOf(some), line => line.split(' ')[0])
    const peaks = [...inFlight.values()].map(lines => {
      const counts = lines.map((_, index) =>
        lines.slice(0, index + 1).reduce((now, line) => now + (line.endsWith('begin') ? 1 : -1), 0),
      )
      return Math.max(...counts)
    })
    expect(Math.max(...peaks)).toBe(most)
  })

  it('repeats a call that fails as often as retries says, for its value only', async () => {
    const source = `['a', 'b', 'c'], async name => {
      note(name)
      const tries = readFileSync(calls, 'utf8').split('\\n').filter(one => one === name).length
      if (name === 'b' && tries < 3) throw new Error('busy')
      return { name, n: tries }
    }, { retries: 2 }`
    const some = project(pipeline(source))
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(await some.rows()).toEqual([
      { name: 'a', n: 1n },
      { name: 'b', n: 3n },
      { name: 'c', n: 1n },
    ])
  })

  it('calls the function with the parameters and with what setup returned in the worker, for values made of parameters', async () => {
    const some = project(
      pipeline(
        `async ({ month }) => [month + '-01', month + '-02'], (day, { params, state }) => ({ name: day + params.month + state.word, n: 1 })`,
        `params: { month: param.month() }, setup: () => ({ word: '!' }), ${columns}`,
        `path: 't', salted: true`,
      ),
    )
    const { tasks } = await some.run({ params: { month: '2024-02' } })
    const rows = await Array.fromAsync((await openDataset(tasks[0]!.output!)).rows())
    expect(rows.map(({ name }) => name)).toEqual(['2024-02-012024-02!', '2024-02-022024-02!'])
  })

  it('reads values as rows where there is no function, also equal ones, and runs again when their order changes', async () => {
    const source = `() => JSON.parse(readFileSync(new URL('values', import.meta.url), 'utf8'))`
    const [a, b] = [{ name: 'a' }, { name: 'b' }]
    const some = project(pipeline(source), { values: JSON.stringify([a, b, a]) })
    await some.run()
    expect(await namesOf(some)).toEqual(['a', 'b', 'a'])
    some.write({ values: JSON.stringify([b, a, a]) })
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(await namesOf(some)).toEqual(['b', 'a', 'a'])
    expect(await some.run()).toMatchObject({ status: 'skipped' })
  })

  it('appends only values that the dataset does not hold', async () => {
    const source = `() => readFileSync(new URL('days', import.meta.url), 'utf8').trim().split(' '), name => { note(name); return { name, n: 1 } }`
    const some = project(pipeline(source, columns, `path: 't', mode: 'append'`), { days: 'mon tue' })
    await some.run()
    appendFileSync(join(some.folder, 'days'), ' wed')
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(callsOf(some).toSorted()).toEqual(['mon', 'tue', 'wed'])
    expect(await namesOf(some)).toEqual(['mon', 'tue', 'wed'])
  })

  it('rejects rows that do not fit their columns, with the value as their place, and calls the function once', async () => {
    const source = `['a', 'b', 'c'], name => { note(name); return [{ name, n: 1 }, { name, n: name === 'b' ? 'many' : 2 }] }`
    const some = project(pipeline(source, `${columns} rejects: { max: 1 },`))
    const { tasks } = await some.run()
    expect(tasks[0]).toMatchObject({ rowsWritten: 5, rowsRejected: 1 })
    expect(callsOf(some).sort()).toEqual(['a', 'b', 'c'])
    expect((await some.rows()).map(({ name, n }) => `${name}${n}`)).toEqual(['a1', 'a2', 'b1', 'c1', 'c2'])
    const [reject] = await rejects({ output: some.out })
    expect(reject).toMatchObject({ archive: 'b', record: 2, column: 'n', received: 'many' })
  })

  it.each([
    [
      'throws',
      `['a'], () => { throw new Error('no model') }`,
      'SOURCE_FAILED',
      'item a: map() failed in try 1 of 1: no model',
    ],
    [
      'returns no row',
      `['a'], () => 3`,
      'SOURCE_FAILED',
      'expected an object with a value for each column, got a number',
    ],
    ['gets no values', `() => [], () => null`, 'NO_INPUT', 'expected values to map, got none'],
    ['gets no list', `() => 'a', () => null`, 'SOURCE_FAILED', 'values() failed: expected a list, got string'],
    [
      'is missing',
      `() => ['a']`,
      'DEFINITION_INVALID',
      'items: values.0: expected an object with a value for each column, got "a"',
    ],
  ])('fails with the value when the function %s', async (_, source, code, message) => {
    const some = project(pipeline(source))
    const error = await some.run().then(
      result => result.error,
      thrown => thrown,
    )
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
    expect(some.outputFiles()).toEqual([])
  })

  it('writes nothing of a run of which one value failed, and waits for the calls in flight', async () => {
    const source = `[1, 2, 3, 4, 5, 6], async n => {
      if (n === 2) throw new Error('two')
      await delay(30); note('end ' + n); return { name: 'a', n }
    }`
    const some = project(pipeline(source))
    expect(await some.run({ workers: 1 })).toMatchObject({ status: 'failed', error: { code: 'SOURCE_FAILED' } })
    expect(callsOf(some)).toContain('end 1')
    expect(some.outputFiles()).toEqual([])
    expect(some.leftovers()).toEqual([])
  })

  it('keeps the rows of customers apart when parallel calls overwrite one variable of the module', async () => {
    const some = project(`
import { setTimeout as delay } from 'node:timers/promises'
import { column, items, parquet, pipeline, task } from 'fanmill'
let customer
let orders = []
async function loadOrders() {
  await delay(10 * Math.random())
  orders = [1, 2, 3].map(n => ({ customer, n }))
}
const customers = Array.from({ length: 40 }, (_, n) => 'customer' + n)
const t = task({
  name: 't',
  source: items(customers, async name => {
    customer = name
    await loadOrders()
    await delay(10 * Math.random())
    return orders
  }, { concurrency: 8 }),
  columns: { customer: column.string({ required: true }), n: column.int64() },
  output: parquet({ path: 't' }),
})
export default pipeline({ name: 't', tasks: [t] })
`)
    expect(await some.run()).toMatchObject({ tasks: [{ rowsWritten: 120 }] })
    const all = Array.from({ length: 40 }, (_, n) =>
      [1n, 2n, 3n].map(order => ({ customer: `customer${n}`, n: order })),
    )
    expect(await some.rows()).toEqual(all.flat())
  })

  it('maps 5,000 values, which are several batches', async () => {
    const some = project(pipeline(`Array.from({ length: 5000 }, (_, n) => n), n => ({ name: 'a', n })`))
    const { tasks } = await some.run()
    expect(tasks).toMatchObject([{ rowsWritten: 5000, members: 5000 }])
    expect(tasks[0]!.parts).toBeGreaterThan(5)
  })
})
