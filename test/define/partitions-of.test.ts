import { expect, it } from 'vitest'
import {
  column,
  csv,
  delta,
  externalTask,
  files,
  memberFiles,
  param,
  parquet,
  partitionsOf,
  pipeline,
  sql,
  task,
  zipMembers,
} from '../../lib/define/index.ts'

const sales = task({
  name: 'sales',
  params: { month: param.month() },
  source: files({ paths: '{month}/*.csv', format: csv() }),
  columns: { total: column.int32() },
  output: parquet({ path: 'sales/{month}' }),
})
const large = task({ name: 'large', source: partitionsOf(sales), output: parquet({ path: 'large/{month}' }) })

it('has the parameters of the task that it reads, and its own beside them', () => {
  expect(large.params).toEqual(sales.params)
  const more = task({
    name: 'more',
    params: { limit: param.integer() },
    source: partitionsOf(sales),
    output: parquet({ path: 'more/{month}/{limit}' }),
  })
  expect(Object.keys(more.params)).toEqual(['month', 'limit'])
  expect(() => task({ name: 'one', source: partitionsOf(sales), output: parquet({ path: 'one' }) })).toThrow(
    'expected {month} or {salt} in one',
  )
})

it('stands after the task that it reads, wherever the pipeline names it', () => {
  expect(pipeline({ name: 'p', tasks: [large, sales] }).tasks).toEqual([sales, large])
})

it('is refused in a pipeline without the task that it reads, or with another of that name', () => {
  expect(() => pipeline({ name: 'p', tasks: [large] })).toThrow(
    'pipeline p: tasks: expected sales, which large requires, among the tasks',
  )
  const other = sales.with({ output: parquet({ path: 'other/{month}' }) })
  expect(() => pipeline({ name: 'p', tasks: [other, large] })).toThrow('got another task of that name')
  const ofItself = task({ name: 'sales', source: partitionsOf(sales), output: sales.output })
  expect(() => pipeline({ name: 'p', tasks: [ofItself] })).toThrow('got another task of that name')
})

it('reads no task that writes no rows', () => {
  const members = task({ name: 'members', source: zipMembers({ paths: '*.zip' }), output: memberFiles({ path: 'm' }) })
  expect(() => partitionsOf(members)).toThrow(
    'expected a task whose output is parquet({ … }) or temporary(), got memberFiles',
  )
  expect(() => partitionsOf(7 as never)).toThrow('partitionsOf: expected a task, got 7')
  expect(() => partitionsOf('')).toThrow('partitionsOf')
})

it('names columns, a condition, and the dataset of another pipeline', () => {
  const source = partitionsOf({ path: 'lake/{month}', root: 'output' }, { columns: ['total'], where: sql`total > 1` })
  expect(source).toMatchObject({ at: { path: 'lake/{month}', root: 'output' }, columns: ['total'] })
  const output = parquet({ path: 'copy/{month}' })
  expect(() => task({ name: 'copy', source, output })).toThrow('expected no placeholder, as there are no parameters')
  const params = { month: param.month() }
  expect(task({ name: 'copy', params, source, output }).source).toMatchObject({ kind: 'partitionsOf' })
  const columns = { total: column.int32() }
  expect(() => task({ name: 'copy', params, source, output, columns })).toThrow(
    'expected columns in the task or in partitionsOf, got both',
  )
  expect(() => partitionsOf(sales, { columns: [] })).toThrow('partitionsOf: columns: expected at least one column')
  expect(() => partitionsOf({ path: '../lake' })).toThrow('partitionsOf: path')
})

it('reads parameters of the other task as columns, which must be its own', () => {
  expect(partitionsOf(sales, { columns: ['total'], params: ['month'] })).toMatchObject({
    columns: ['total', 'month'],
    params: ['month'],
  })
  expect(() => partitionsOf(sales, { params: ['mont' as never] })).toThrow(
    'partitionsOf: params: expected params of task sales, got mont; did you mean month',
  )
  expect(() => partitionsOf({ path: 'lake' }, { params: ['month' as never] })).toThrow(
    'expected params of a task, as the dataset of another pipeline has none, got month',
  )
})

it.each([
  ['Parquet', parquet({ path: 'sales', mode: 'append' })],
  ['a Delta table', delta({ path: 'sales', mode: 'append' })],
])('refuses parameters with which rows of several runs are in one dataset, of %s', (_, output) => {
  const shared = sales.with({ output })
  expect(() => partitionsOf(shared, { params: ['month'] })).toThrow(
    'partitionsOf: params: expected {month} or {salt} in the path of task sales, as its dataset has rows of several values of month otherwise, got sales; add {month} to it, or make a column of month in task sales',
  )
  expect(partitionsOf(shared)).toMatchObject({ kind: 'partitionsOf' })
  const salted = sales.with({ output: parquet({ path: 'sales/{salt}' }) })
  expect(partitionsOf(salted, { params: ['month'] })).toMatchObject({ params: ['month'] })
})

it('takes a key of requires, and names the nearest one for a key that is not there', () => {
  const reading = { name: 'reading', output: parquet({ path: 'reading/{month}' }) }
  const keyed = task({ ...reading, requires: { current: sales }, source: partitionsOf('current') })
  expect(keyed.source).toMatchObject({ key: 'current', of: { name: 'sales' } })
  expect(() => task({ ...reading, requires: { current: sales }, source: partitionsOf('curent') })).toThrow(
    "task reading: partitionsOf('curent'): expected a key of requires, got curent; did you mean current",
  )
  expect(() => task({ ...reading, requires: { current: [] }, source: partitionsOf('current') })).toThrow(
    "partitionsOf('current'): expected a task under current of requires, got an empty list",
  )
  expect(() => task({ ...reading, source: partitionsOf('current') })).toThrow('add it: requires: { current: … }')
  expect(() => task({ ...reading, requires: () => sales, source: partitionsOf('sales') })).toThrow(
    'expected requires by name, got a function, which is called only in a run; name the task itself',
  )
  expect(() => task({ ...reading, requires: { both: [sales, large] }, source: partitionsOf('both') })).toThrow(
    'expected one task under both of requires, got sales and large; give each a key',
  )
  const flag = externalTask({ name: 'flag', target: 'flag' })
  expect(() => task({ ...reading, requires: { flag }, source: partitionsOf('flag') })).toThrow(
    'expected a task of the pipeline under flag of requires, got the external task flag',
  )
})
