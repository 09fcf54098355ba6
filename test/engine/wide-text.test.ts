import { describe, expect, it } from 'vitest'
import { column, csv, files } from '../../lib/define/index.ts'
import { textSources } from '../../lib/engine/read/staged-sources.ts'
import { fastRead } from '../../lib/engine/read/typed-read.ts'
import { convertTask, taskOf } from './converting.ts'

const count = 20_000
const names = Array.from({ length: count }, (_, index) => `c${index}`)
const numbers = names.map((_, index) => String(index))
const columns = { c3: column.int32(), c500: column.int32(), c19999: column.string() }
const row = { c3: '3', c500: '500', c19999: '19999' }
const textOf = (records: readonly (readonly string[])[]): string =>
  `${records.map(each => each.join(',')).join('\n')}\n`
const staged = (columns: readonly string[]) =>
  ({ file: 'x', bytes: 1, records: 1, columns, members: [], newline: 'lf', located: false }) as never

describe('a file of 20,000 columns', () => {
  it('is read in three of them, whatever is in the others', async () => {
    const text = textOf([names, numbers, numbers.with(7, 'x')])
    const { rows, rejects } = await convertTask(taskOf({ columns }), { inputs: { 'x.csv': text } })
    expect(rows).toEqual([row, row])
    expect(rejects).toEqual([])
  })

  it('is read carefully with the memory of one engine; the text of a reject has the first 4,000 fields', async () => {
    const text = textOf([names, numbers, numbers.with(3, 'x').with(4, '"a,b"')])
    const { rows, rejects } = await convertTask(taskOf({ columns }), { inputs: { 'x.csv': text } })
    expect(rows).toEqual([row])
    expect(rejects).toMatchObject([{ line: 3, column: 'c3', expected: 'int32', received: 'x' }])
    const fields = numbers.with(3, 'x').with(4, '"a,b"').slice(0, 4000)
    expect((rejects[0] as { text?: string } | undefined)?.text).toBe(fields.join(','))
  })
})

it.each([
  ['windows-1252', 'int32', 4],
  ['utf-8', 'UTF-8, or encoding in csv()', 4000],
] as const)(
  'reads 450 columns of windows-1252 carefully in the smallest engine, read as %s',
  async (encoding, expected, count) => {
    const names = Array.from({ length: 450 }, (_, index) => `c${index}`)
    const columns = Object.fromEntries(names.map(name => [name, name === 'c1' ? column.string() : column.int32()]))
    const record = names.map((_, index) => String(100_000 + index)).with(1, 'zürich')
    const records = Array.from({ length: 4000 }, (_, index) => (index % 1000 === 0 ? record.with(0, 'x') : record))
    const text = Buffer.from(textOf([names, ...records]), 'latin1')
    const task = taskOf({ columns, source: files({ paths: '*', format: csv({ encoding }) }) })
    const { results, rejects } = await convertTask(task, { inputs: { 'x.csv': text }, engineBytes: 128 * 2 ** 20 })
    expect(results.map(({ rowsRead, rowsRejected }) => [rowsRead, rowsRejected])).toEqual([[4000 - count, count]])
    expect(rejects[0]).toMatchObject({ line: 2, expected })
  },
)

it('names only the columns that are read to the engine', () => {
  const used = (options: object) =>
    textSources([staged(names)], { format: csv(), columns, badRecords: 'fail', ...options })[0]?.used
  expect(used({})).toEqual(['"text c3"', '"text c500"', '"text c19999"'])
  expect(used({ keepNew: true })).toHaveLength(count)
})

it('gives each column an expression with a constant of its own, so that the engine does not compare all with each other', () => {
  const columns = { a: column.int32(), b: column.date(), c: column.string({ required: true }) }
  const sources = textSources([staged(Object.keys(columns))], { format: csv(), columns, badRecords: 'fail' })
  const query = fastRead(sources, { columns, strict: true, keepNew: false, provenance: [] })
  for (const name of Object.keys(columns)) expect(query).toContain(`a value of column ${name} does not fit`)
})

it('says what 4,000 declared columns take where they do not fit into the memory of an engine', async () => {
  const names = Array.from({ length: 4000 }, (_, index) => `c${index}`)
  const columns = Object.fromEntries(names.map(name => [name, column.int32()]))
  const text = textOf([names, names.map((_, index) => String(index))])
  const converting = convertTask(taskOf({ columns }), { inputs: { 'x.csv': text }, engineBytes: 128 * 2 ** 20 })
  await expect(converting).rejects.toMatchObject({
    code: 'OUT_OF_MEMORY',
    message: expect.stringMatching(
      /declare fewer columns: the 4,000 of this task take about 615 MB in the engine of each worker/,
    ),
    detail: { columns: 4000, neededMb: 615 },
  })
})
