/** Sources whose rows the user's code yields. */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DatasetRow, openDataset } from '../../lib/index.ts'
import { type Project, projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

/** `source` is the text of the options of rowsFrom; each call of `rows` can be counted in `calls`. */
const pipeline = (source: string, more = `columns: { day: column.string({ required: true }), n: column.int64() },`) => `
import { appendFileSync, readFileSync } from 'node:fs'
import { column, parquet, param, pipeline, rowsFrom, task } from 'fanmill'
const calls = new URL('calls', import.meta.url)
export const t = task({
  name: 't',
  source: rowsFrom({ ${source} }),
  ${more}
  output: parquet({ path: 't' }),
})
export default pipeline({ name: 't', tasks: [t] })
`

async function rowsOf(some: Project): Promise<DatasetRow[]> {
  return (await some.rows()).toSorted((a, b) => `${a.day}${a.n}`.localeCompare(`${b.day}${b.n}`))
}

const counted = `partitions: ['mon', 'tue', 'wed'], async *rows(day) {
    appendFileSync(calls, day + '\\n')
    for (let n = 0; n < 3; n++) yield { day, n: BigInt(n) + 9007199254740993n }
  }`
const callsOf = ({ folder }: Project): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').sort()

describe('rowsFrom', () => {
  it('writes the rows of all partitions, with integers that a number could not hold', async () => {
    const some = project(pipeline(counted))
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 9, members: 3, bytesIn: 0 }] })
    const all = ['mon', 'tue', 'wed'].flatMap(day => [3n, 4n, 5n].map(n => ({ day, n: 9007199254740990n + n })))
    expect(await rowsOf(some)).toEqual(all)
    expect(await some.run()).toMatchObject({ status: 'skipped' })
    expect(callsOf(some)).toEqual(['mon', 'tue', 'wed'])
  })

  it('calls the code once for each partition, also where rows are rejected and read again with their places', async () => {
    const source = `partitions: ['a', 'b'], *rows(day) {
      appendFileSync(calls, day + '\\n')
      yield { day, n: Math.random() < 2 ? 1 : 0 }
      yield { day, n: 'many' }
      yield { day: null, n: Number.NaN }
    }`
    const some = project(
      pipeline(source, `columns: { day: column.string({ required: true }), n: column.int64() }, rejects: { max: 4 },`),
    )
    expect(await some.run()).toMatchObject({ status: 'complete', tasks: [{ rowsWritten: 2, rowsRejected: 4 }] })
    expect(callsOf(some)).toEqual(['a', 'b'])
    expect(await rowsOf(some)).toEqual([
      { day: 'a', n: 1n },
      { day: 'b', n: 1n },
    ])
  })

  it('calls rows with partitions made of parameters, and with what setup returned', async () => {
    const some = project(`
import { column, parquet, param, pipeline, rowsFrom, task } from 'fanmill'
export const t = task({
  name: 't',
  params: { month: param.month() },
  source: rowsFrom({
    partitions: async ({ month }) => [{ month, part: 1 }, { month, part: 2 }],
    async *rows({ month, part }, { params, state }) {
      yield { day: month + '/' + part + '/' + params.month + '/' + state.word, n: part }
    },
  }),
  columns: { day: column.string(), n: column.int32() },
  setup: () => ({ word: 'ready' }),
  output: parquet({ path: 't', salted: true }),
})
export default pipeline({ name: 't', tasks: [t] })
`)
    const { tasks } = await some.run({ params: { month: '2024-02' } })
    const dataset = await openDataset(tasks[0]!.output!)
    const days = (await Array.fromAsync(dataset.rows())).map(row => row.day).sort()
    expect(days).toEqual(['2024-02/1/2024-02/ready', '2024-02/2/2024-02/ready'])
  })

  it('appends only partitions that the dataset does not hold', async () => {
    const source = `partitions: () => readFileSync(new URL('days', import.meta.url), 'utf8').trim().split(' '), *rows(day) {
      appendFileSync(calls, day + '\\n')
      yield { day, n: 1 }
    }`
    const some = project(pipeline(source).replace("path: 't'", "path: 't', mode: 'append'"), { days: 'mon tue' })
    await some.run()
    appendFileSync(join(some.folder, 'days'), ' wed')
    expect(await some.run()).toMatchObject({ status: 'complete' })
    expect(callsOf(some)).toEqual(['mon', 'tue', 'wed'])
    expect(await rowsOf(some)).toEqual(['mon', 'tue', 'wed'].map(day => ({ day, n: 1n })))
  })

  it('converts a partition of much text part by part', async () => {
    const source = `partitions: ['a'], *rows(day) { for (let n = 0; n < 400_000; n++) yield { day, n } }`
    const some = project(pipeline(source))
    expect(await some.run({ workers: 1 }, { groupBytes: 1024 * 1024 })).toMatchObject({
      tasks: [{ rowsWritten: 400_000 }],
    })
  })

  it.each([
    [
      'throws',
      `*rows() { throw new Error('no such table') }`,
      'SOURCE_FAILED',
      'partition mon: rows() failed after 0 rows: no such table',
    ],
    [
      'yields what is no object',
      `*rows() { yield { day: 'a', n: 1 }; yield 3 }`,
      'SOURCE_FAILED',
      'after 1 rows: expected an object with a value for each column, got a number',
    ],
    [
      'yields a value that JSON would change',
      `*rows() { yield { day: new Map(), n: 1 } }`,
      'SOURCE_FAILED',
      'day: expected a value that JSON can hold, got a value of class Map',
    ],
    [
      'yields a Buffer, which JSON would write as an object',
      `*rows() { yield { day: Buffer.from('a'), n: 1 } }`,
      'SOURCE_FAILED',
      'day: expected a value that JSON can hold, got a value of class Buffer',
    ],
    [
      'yields an invalid Date',
      `*rows() { yield { day: 'a', n: new Date('soon') } }`,
      'REJECTS_OVER_LIMIT',
      'column n: expected int64',
    ],
  ])('fails with the partition when the code %s', async (_, rows, code, message) => {
    const some = project(pipeline(`partitions: ['mon'], ${rows}`))
    const { status, error } = await some.run()
    expect({ status, code: error?.code }).toEqual({ status: 'failed', code })
    expect(error?.message).toContain(message)
    expect(error?.message.match(/mon/g)).toHaveLength(1)
    expect(some.outputFiles()).toEqual([])
  })

  it.each([
    ['equal ones', `() => ['a', 'a']`, 'INPUT_INVALID', 'expected different partitions, got a twice'],
    ['none', `() => []`, 'NO_INPUT', 'expected partitions to read, got none'],
    ['no list', `() => 'a'`, 'SOURCE_FAILED', 'partitions() failed: expected a list, got string'],
    ['an error', `async () => { throw new Error('offline') }`, 'SOURCE_FAILED', 'partitions() failed: offline'],
    ['a value that is no JSON', `() => [new Date()]`, 'DEFINITION_INVALID', 'partitions.0: expected a JSON value'],
  ])('fails when partitions returns %s', async (_, partitions, code, message) => {
    const some = project(pipeline(`partitions: ${partitions}, *rows() {}`))
    const failure = await some.run().then(
      ({ error }) => error,
      error => error,
    )
    expect(failure).toMatchObject({ code, message: expect.stringContaining(message) })
  })
})
