/** Columns that are called otherwise in some files: in headers, in JSON, in Parquet and in tables. */
import { describe, expect, it } from 'vitest'
import type { Columns } from '../../lib/define/definition.ts'
import {
  column,
  count,
  csv,
  files,
  jsonLines,
  listOf,
  parquet,
  parquetFiles,
  quantile,
  table,
  task,
  textOf,
  variance,
} from '../../lib/define/index.ts'
import { runTask } from '../../lib/testing.ts'
import { convertTask, parquetOf, taskOf } from './converting.ts'

/** A daily file as its publisher wrote them: the header and the form of times changed twice. */
function dailyFile(day: number): string {
  const date = new Date(Date.UTC(2020, 0, 22 + day))
  const [year, month, date1] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
  const padded = (value: number): string => String(value).padStart(2, '0')
  if (day < 31) return `\ufeffProvince/State,Last Update,Confirmed\nAlpha,${month}/${date1}/${year} 17:00,${day}\n`
  if (day < 60)
    return `Province/State,Last Update,Confirmed,Latitude\nAlpha,${year}-${padded(month)}-${padded(date1)}T23:33:06,${day},30.9\n`
  return `FIPS,Province_State,Last_Update,Lat,Confirmed\n36061,Alpha,${month}/${date1}/${year - 2000} 23:45,40.7,${day}\n`
}

it('reads 75 daily files whose headers and times drift, by one pipeline without SQL', async () => {
  const cases = task({
    name: 'cases',
    source: files({ paths: 'daily/*.csv', format: csv() }),
    columns: {
      state: column.string({ from: ['Province_State', 'Province/State'] }),
      updated: column.timestamp({
        from: ['Last_Update', 'Last Update'],
        format: ['%m/%d/%Y %H:%M', '%m/%d/%y %H:%M', '%Y-%m-%dT%H:%M:%S'],
        required: true,
      }),
      latitude: column.float64({ from: ['Lat', 'Latitude'] }),
      Confirmed: column.int32({ required: true }),
    },
    onMissingColumn: 'null',
    output: parquet({ path: '{task}' }),
  })
  const days = Array.from({ length: 75 }, (_, day) => day)
  const daily = Object.fromEntries(days.map(day => [`daily/${100 + day}.csv`, dailyFile(day)]))
  const { rows, rejects } = await runTask(cases, { files: daily })
  const clock = (day: number): string => (day < 31 ? '17:00:00' : day < 60 ? '23:33:06' : '23:45:00')
  const dateOf = (day: number): string => new Date(Date.UTC(2020, 0, 22 + day)).toISOString().slice(0, 10)
  expect(rejects).toEqual([])
  expect([...rows].sort((a, b) => Number(a.Confirmed) - Number(b.Confirmed))).toEqual(
    days.map(day => ({
      state: 'Alpha',
      updated: new Date(`${dateOf(day)}T${clock(day)}Z`),
      latitude: day < 31 ? null : day < 60 ? 30.9 : 40.7,
      Confirmed: day,
    })),
  )
})

const twoNames: Columns = { id: column.int32({ from: ['id', 'ID number'] }), name: column.string() }

describe('a header', () => {
  const convert = (text: string, columns: Columns, more: object = {}, options = {}) =>
    convertTask(
      taskOf({ source: files({ paths: '*', format: csv(options) }), columns, rejects: { max: 9 }, ...more }),
      {
        inputs: { 'x.csv': text },
      },
    )

  it('may have either name, and its own name counts only where it is listed', async () => {
    const columns = { state: column.string({ from: 'Province' }) }
    expect((await convert('state,Province\nx,a\n', columns)).rows).toEqual([{ state: 'a' }])
    expect((await convert('ID number,name\n1,a\n', twoNames)).rows).toEqual([{ id: '1', name: 'a' }])
  })

  it.each([
    [
      'both names',
      'id,ID number,name\n1,2,a\n',
      'INPUT_INVALID',
      'x.csv: expected one name of column id in the header, got "id" and "ID number"',
    ],
    ['no name', 'ID nummer,name\n1,a\n', 'COLUMN_MISSING', 'without id (from id or ID number) (nearest: ID nummer)'],
    [
      'the name twice',
      'ID number,name,ID number\n1,a,2\n',
      'INPUT_INVALID',
      'expected distinct column names in the header',
    ],
  ])('with %s is refused', async (_, text, code, message) => {
    await expect(convert(text, twoNames)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('is compared without case and space on request', async () => {
    const relaxed = { matchNames: 'ignoreCaseAndSpace' } as const
    const columns = { 'Order ID': column.int32(), state: column.string({ from: 'STATE code' }) }
    const more = { onNewColumn: 'keep' } as const
    const { rows } = await convert(' order id ,State Code,Else\n1,NY,x\n', columns, more, relaxed)
    expect(rows).toEqual([{ 'Order ID': '1', state: 'NY', _new: '{Else=x}' }])
    await expect(convert('order id,state code\n1,NY\n', columns)).rejects.toMatchObject({ code: 'COLUMN_MISSING' })
    await expect(convert('Order ID,ORDER ID,state code\n1,2,x\n', columns, {}, relaxed)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(
        'expected one name of column Order ID in the header, got "Order ID" and "ORDER ID"',
      ),
    })
  })

  it('names the column of the task in a reject, and counts renamed columns as known', async () => {
    const { rejects } = await convert('ID number,name\nx,a\n', twoNames, { onNewColumn: 'fail' })
    expect(rejects).toMatchObject([{ column: 'id', expected: 'int32', received: 'x', line: 2 }])
  })
})

it('JSON records may have either key, and are rejects with both', async () => {
  const text =
    '{"id":1,"name":"a"}\n{"ID number":2,"else":1}\n{"id":1,"ID number":2}\n{"ID number":null}\n{"ID number":"x"}\n'
  const source = files({ paths: '*', format: jsonLines() })
  const tested = taskOf({ source, columns: twoNames, rejects: { max: 9 }, onNewColumn: 'keep' })
  const { rows, rejects } = await convertTask(tested, { inputs: { 'x.jsonl': text } })
  expect(rows).toEqual([
    { id: '1', name: 'a', _new: '{}' },
    { id: '2', name: null, _new: '{else=1}' },
    { id: null, name: null, _new: '{}' },
  ])
  expect(rejects.map(({ line, column, expected }) => `${line} ${column} ${expected}`)).toEqual([
    '3  a JSON object with one of the keys id, ID number',
    '5 id int32',
  ])
})

it('Parquet files may have either name, and texts are read as the options say', async () => {
  const columns = { id: column.int32({ from: ['id', 'no'] }), price: column.decimal(9, 2, { decimalSeparator: ',' }) }
  const tested = taskOf({ source: files({ paths: '*', format: parquetFiles() }), columns, rejects: { max: 9 } })
  const convert = (sql: string) => parquetOf(sql).then(bytes => convertTask(tested, { inputs: { 'x.parquet': bytes } }))
  const { rows, rejects } = await convert("select 1 as no, '1,5' as price union all select 2, '1.5'")
  expect(rows).toEqual([{ id: '1', price: '1.50' }])
  expect(rejects).toMatchObject([{ column: 'price', expected: 'decimal(9, 2) as 1234,5', received: '1.5' }])
  await expect(convert("select 1 as no, 2 as id, '1,5' as price")).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('x.parquet: expected one name of column id, got id and no'),
  })
  await expect(convert("select 1 as num, '1,5' as price")).rejects.toMatchObject({ code: 'COLUMN_MISSING' })
})

it('tables and the rows of unit tests have columns under other names', async () => {
  const prices = table('t.csv', csv({ matchNames: 'ignoreCaseAndSpace' }), {
    id: column.int32({ from: 'no' }),
    price: column.decimal(9, 2, { decimalSeparator: ',', from: ['Preis', 'price'] }),
  })
  const tested = task({
    name: 't',
    source: files({ paths: '*.csv', format: csv() }),
    columns: { id: column.int32({ from: ['ID number'] }) },
    tables: { prices },
    output: parquet({ path: 't' }),
  }).sql`select i.id, p.price from input i join prices p on p.id = i.id`
  const { rows } = await runTask(tested, { rows: [{ id: 7 }], files: { 't.csv': ' No ,PREIS\n7,"1,5"\n' } })
  expect(rows).toEqual([{ id: 7, price: '1.50' }])
})

const one = { a: column.string({ from: 'x' }) }
it.each<[string, () => unknown, string]>([
  [
    'a name of two columns',
    () => taskOf({ columns: { ...one, b: column.string({ from: ['y', 'x'] }) } }),
    'columns.b.from: expected a name that no other column has, got x, as a has',
  ],
  [
    'a name that is equal when case is ignored',
    () => table('t', csv({ matchNames: 'ignoreCaseAndSpace' }), { ...one, b: column.string({ from: ' X' }) }),
    'columns.b.from: expected a name that no other column has, got  X, as a has',
  ],
  [
    'names where there is no header',
    () => taskOf({ source: files({ paths: '*', format: csv({ header: false }) }), columns: one }),
    'columns.a.from: expected none, as the columns of csv are found by position, got x',
  ],
  [
    'names to compare where there is no header',
    () => csv({ header: false, matchNames: 'exact' }),
    'csv: matchNames: expected none',
  ],
])('refuses %s at definition', (_, build, message) => {
  expect(build).toThrow(
    expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(message) }),
  )
})

it('groups by columns of any name', async () => {
  const columns = { a: column.string(), b: column.string(), e: column.string(), r: column.string(), n: column.int32() }
  const source = files({ paths: '*.csv', format: csv() })
  const order = { orderBy: ['n'], limit: 2 } as const
  const totals = task({ name: 'totals', source, columns, output: parquet({ path: 'totals' }) }).reduce({
    by: ['a', 'b', 'e', 'r'],
    measures: {
      x: count(),
      spread: variance('n'),
      middle: quantile('n', 0.5, { approximate: true }),
      some: listOf('n', order),
      text: textOf('n', order),
    },
  })
  const rows = [1, 1, 1].map(n => ({ a: 'A', b: 'B', e: 'E', r: 'R', n }))
  const found = await runTask(totals, { rows })
  expect(found.rows).toEqual([
    { a: 'A', b: 'B', e: 'E', r: 'R', x: 3n, spread: 0, middle: expect.closeTo(1, 1), some: [1, 1], text: '1, 1' },
  ])
})
