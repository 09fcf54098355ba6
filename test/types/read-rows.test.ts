/** The types of rows that tasks read of one another; held by the type check. */
import { expectTypeOf, it } from 'vitest'
import { column, csv, param, parquet, partitionsOf, pipeline, task, zipMembers } from '../../lib/define/index.ts'

const output = parquet({ path: '{task}/{carrier}/{limit}' })
const columns = { date: column.timestamp(), delay: column.int32({ required: true }), origin: column.string() }
const base = {
  name: 'flights',
  params: { carrier: param.string(), limit: param.integer() },
  source: zipMembers({ paths: 'in/*.zip', format: csv() }),
  ...{ columns, output },
} as const

it('types the rows of partitionsOf by those that the other task writes', () => {
  const flights = task(base).mapRows(({ delay }) => ({ late: delay > 15 }), { adds: { late: column.boolean() } })
  const reading = { name: 'reading', output } as const
  task({ ...reading, source: partitionsOf(flights) }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<{
      readonly date: Date | null
      readonly delay: number
      readonly origin: string | null
      readonly late: boolean | null
    }>()
    return null
  })
  task({ ...reading, source: partitionsOf(flights, { columns: ['delay', 'late'] }) }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<{ readonly delay: number; readonly late: boolean | null }>()
    return null
  })
  task({ ...reading, source: partitionsOf(flights), provenance: ['_run'] }).mapRows(row => {
    expectTypeOf(row.delay).toEqualTypeOf<number>()
    expectTypeOf(row._run).toEqualTypeOf<string>()
    return null
  })
  // @ts-expect-error
  partitionsOf(flights, { columns: ['dealy'] })
  const wrong = task({
    ...reading,
    source: partitionsOf(flights),
    output: parquet({ path: '{task}/{carrier}/{limit}', sortBy: ['dealy'] }),
  })
  // @ts-expect-error
  expectTypeOf(() => pipeline({ name: 'p', tasks: [wrong] })).toBeFunction()
  const source = partitionsOf({ path: 'lake/airports' }, { columns: ['iata'] })
  task({ name: 'airports', source, output: parquet({ path: 'airports' }) }).mapRows(row => {
    expectTypeOf(row.iata).toBeAny()
    return null
  })
})

it('types the rows of partitionsOf also after SQL, and those of a task that names its own columns', () => {
  const flights = task(base).sql<{ state: string }>`select *, 'PA' as state from input`
  const source = partitionsOf(flights, { columns: ['state', 'origin'] })
  task({ name: 'a', source, output }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<{ readonly state: string; readonly origin: string | null }>()
    return null
  })
  const columns = { state: column.string({ required: true }) }
  task({ name: 'a', source: partitionsOf(flights), columns, output }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<{ readonly state: string }>()
    return null
  })
})

it('types the rows that a key of requires names, with values of parameters too', () => {
  const flights = task(base).sql<{ state: string }>`select *, 'PA' as state from input`
  const requires = {
    now: flights,
    before: flights.withParams({ carrier: 'AA' }),
    all: [flights.each({ limit: [1, 2] })],
  }
  const reading = { name: 'reading', requires, output } as const
  task({ ...reading, source: partitionsOf('now', { columns: ['state'] }) }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<{ readonly state: string }>()
    return null
  })
  task({ ...reading, source: partitionsOf('before') }).mapRows(row => {
    expectTypeOf(row.delay).toEqualTypeOf<number>()
    expectTypeOf(row.state).toEqualTypeOf<string>()
    return null
  })
  task({ ...reading, source: partitionsOf('all', { params: ['limit'] }) }).mapRows(row => {
    expectTypeOf(row.origin).toEqualTypeOf<string | null>()
    expectTypeOf(row.limit).toBeAny()
    return null
  })
})
