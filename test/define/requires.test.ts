import { describe, expect, it } from 'vitest'
import {
  column,
  csv,
  days,
  files,
  months,
  param,
  parquet,
  partitionsOf,
  pipeline,
  task,
} from '../../lib/define/index.ts'

const flights = task({
  name: 'flights',
  params: { month: param.month(), carrier: param.string({ default: 'all' }) },
  source: files({ paths: '{month}/{carrier}.csv', format: csv() }),
  columns: { delay: column.int32() },
  output: parquet({ path: 'flights/{month}/{carrier}' }),
})
const rest = { source: files({ paths: 'a.csv', format: csv() }), columns: { a: column.int32() } }

describe('requires', () => {
  it('gives a task the parameters of what it requires, and its own win', () => {
    const report = task({
      ...rest,
      name: 'report',
      requires: flights,
      output: parquet({ path: 'r/{month}/{carrier}' }),
    })
    expect(report.params).toEqual(flights.params)
    const own = task({
      ...rest,
      name: 'own',
      params: { carrier: param.enumeration(['AA', 'UA']) },
      requires: [flights],
      output: parquet({ path: 'own/{month}/{carrier}' }),
    })
    expect(own.params).toMatchObject({ month: { type: 'month' }, carrier: { type: 'enumeration' } })
  })

  it('leaves out parameters that have a value', () => {
    const one = task({
      ...rest,
      name: 'one',
      requires: { flights: flights.withParams({ carrier: 'AA' }) },
      output: parquet({ path: 'one/{month}' }),
    })
    expect(Object.keys(one.params)).toEqual(['month'])
    const read = task({
      name: 'read',
      source: partitionsOf(flights),
      requires: flights.each({ month: months(2001), carrier: ['AA', 'UA'] }),
      output: parquet({ path: 'read' }),
    })
    expect(Object.keys(read.params)).toEqual([])
  })

  it('refuses parameters of one name that differ, unless the task declares its own', () => {
    const trains = flights.with({
      name: 'trains',
      params: { month: param.string(), carrier: param.string({ default: 'all' }) },
    })
    const options = {
      ...rest,
      name: 'both',
      requires: [flights, trains],
      output: parquet({ path: '{task}/{month}/{carrier}' }),
    }
    expect(() => task(options)).toThrow('got different ones from flights and trains; declare month in the task')
    expect(task({ ...options, params: { month: param.month() } }).params.month).toEqual(param.month())
  })

  it('refuses unknown parameters and wrong values where they are written', () => {
    expect(() => flights.withParams({ mont: '2001-01' })).toThrow(
      'flights.withParams: expected a parameter of task flights (month, carrier), got mont, did you mean month',
    )
    expect(() => flights.each({ month: ['2001-01', '2001-13'] })).toThrow(
      'flights.each: month: expected a month YYYY-MM, got "2001-13"',
    )
    expect(() =>
      task({ ...rest, name: 'bad', requires: 'flights' as never, output: parquet({ path: 'bad' }) }),
    ).toThrow(
      'task bad: requires: expected a task, tasks in a list, tasks by name, or a function of the params that returns one of these, got "flights"',
    )
  })

  it('orders the tasks of a pipeline, and refuses one that is not there', () => {
    const after = task({
      ...rest,
      name: 'after',
      requires: flights,
      output: parquet({ path: 'after/{month}/{carrier}' }),
    })
    expect(pipeline({ name: 'p', tasks: [after, flights] }).tasks.map(({ name }) => name)).toEqual(['flights', 'after'])
    expect(() => pipeline({ name: 'p', tasks: [after] })).toThrow(
      'expected flights, which after requires, among the tasks',
    )
  })

  it('inherits parameters of requires but not of its source, of which discover may choose the node', () => {
    const late = { name: 'late', source: partitionsOf(flights), output: parquet({ path: 'late' }) } as const
    expect(task({ ...late, discover: () => flights.withParams({ month: '2001-01' }) }).params).toEqual({})
    const both = { requires: flights, discover: () => [], output: parquet({ path: 'late/{month}/{carrier}' }) }
    expect(Object.keys(task({ ...late, ...both }).params)).toEqual(['month', 'carrier'])
    expect(() => task({ ...late, discover: flights as never })).toThrow('task late: discover: expected a function')
  })

  it('refuses tasks that wait for themselves by their names', () => {
    const a = task({ ...rest, name: 'a', output: parquet({ path: 'a' }) })
    const b = task({ ...rest, name: 'b', requires: a, output: parquet({ path: 'b' }) })
    expect(() => pipeline({ name: 'p', tasks: [a.with({ requires: b }), b] })).toThrow('got a → b → a')
  })
})

it('refuses a task that uses more of a resource than the pipeline has', () => {
  const load = task({ ...rest, name: 'load', resources: { warehouse: 3 }, output: parquet({ path: 'load' }) })
  expect(() => pipeline({ name: 'p', tasks: [load], resources: { warehouse: 2 } })).toThrow(
    'pipeline p: resources.warehouse: expected at least 3, which task load uses, got 2',
  )
  expect(pipeline({ name: 'p', tasks: [load], resources: { warehouse: 3 } }).resources).toEqual({ warehouse: 3 })
})

it('lists months and days', () => {
  expect(months(2001)).toEqual(months('2001'))
  expect([months(2001)[0], months(2001).at(-1), months(2001).length]).toEqual(['2001-01', '2001-12', 12])
  expect([days('2024-02').length, days('2023-02').length, days('0004-02').at(-1)]).toEqual([29, 28, '0004-02-29'])
  expect(() => days('2001')).toThrow('days: expected a month such as 2001-02, got "2001"')
})
