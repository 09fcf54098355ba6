/** The types that follow from definitions; held by the type check. */
import { expectTypeOf, it } from 'vitest'
import {
  column,
  csv,
  mapBatches,
  mapRows,
  type ParamValuesOf,
  param,
  parquet,
  type RowOf,
  sql,
  task,
  zipMembers,
} from '../../lib/define/index.ts'

const source = zipMembers({ paths: 'in/*.zip', format: csv() })
const output = parquet({ path: '{task}/{carrier}/{limit}' })
const params = { carrier: param.string(), limit: param.integer() }
const columns = { date: column.timestamp(), delay: column.int32({ required: true }), origin: column.string() }
type Row = { readonly date: Date | null; readonly delay: number; readonly origin: string | null }
const base = { name: 'flights', params, source, columns, output } as const

it('gives every column type its values', () => {
  const all = {
    boolean: column.boolean(),
    int8: column.int8(),
    int64: column.int64(),
    uint32: column.uint32(),
    uint64: column.uint64({ required: true }),
    float32: column.float32(),
    decimal: column.decimal(10, 2),
    string: column.string({ required: false }),
    json: column.json({ required: true }),
    binary: column.binary(),
    date: column.date({ required: true, format: '%d/%m/%Y' }),
    time: column.time(),
    timestamp: column.timestamp(),
    timestamptz: column.timestamptz({ required: true }),
    list: column.list(column.int64()),
    strings: column.list(column.string({ required: true }), { required: true }),
  }
  expectTypeOf<RowOf<typeof all>>().toEqualTypeOf<{
    readonly boolean: boolean | null
    readonly int8: number | null
    readonly int64: bigint | null
    readonly uint32: number | null
    readonly uint64: bigint
    readonly float32: number | null
    readonly decimal: string | null
    readonly string: string | null
    readonly json: string
    readonly binary: Uint8Array | null
    readonly date: string
    readonly time: string | null
    readonly timestamp: Date | null
    readonly timestamptz: Date
    readonly list: readonly (bigint | null)[] | null
    readonly strings: readonly string[]
  }>()
})

it('gives every parameter type its values', () => {
  const all = {
    string: param.string(),
    integer: param.integer({ default: 1 }),
    float64: param.float64(),
    boolean: param.boolean(),
    date: param.date(),
    month: param.month(),
    timestamp: param.timestamp(),
    grain: param.enumeration(['day', 'hour']),
  }
  expectTypeOf<ParamValuesOf<typeof all>>().toEqualTypeOf<{
    readonly string: string
    readonly integer: number
    readonly float64: number
    readonly boolean: boolean
    readonly date: string
    readonly month: string
    readonly timestamp: string
    readonly grain: 'day' | 'hour'
  }>()
})

it('types the rows and context of steps after the options', () => {
  task(
    { ...base, setup: async () => ({ model: 'm' }) },
    mapRows(
      (row, context) => {
        expectTypeOf(row).toEqualTypeOf<Row>()
        expectTypeOf(context.params).toEqualTypeOf<{ readonly carrier: string; readonly limit: number }>()
        expectTypeOf(context.state).toEqualTypeOf<{ model: string }>()
        expectTypeOf(context.member).toBeString()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        return { season: 'summer' }
      },
      { adds: { season: column.string() } },
    ),
    mapRows(row => {
      expectTypeOf(row.season).toEqualTypeOf<string | null>()
      expectTypeOf(row.delay).toBeNumber()
      return null
    }),
  )
})

it('types rows after SQL by what it says that it adds', () => {
  task(
    base,
    sql<{ state: string | null }>`select i.*, a.state from input i left join airports a on a.iata = i.origin`,
    mapRows(row => {
      expectTypeOf(row.state).toEqualTypeOf<string | null>()
      expectTypeOf(row.date).toEqualTypeOf<Date | null>()
      return { delay: 0 }
    }),
  )
})

it('knows no more than unknown of what SQL adds without saying so', () => {
  task(
    base,
    ({ carrier }) => sql`select *, upper(origin) as upper from input where origin = ${carrier}`,
    mapRows((row, { params }) => {
      expectTypeOf(row.delay).toBeNumber()
      expectTypeOf(row.upper).toBeUnknown()
      expectTypeOf(params.limit).toBeNumber()
      return [{ delay: 1 }, { ...row, delay: 2 }]
    }),
  )
})

it('types columns of batches', () => {
  task(
    base,
    mapBatches(
      ({ rowCount, columns }) => {
        expectTypeOf(rowCount).toBeNumber()
        expectTypeOf(columns.delay).toEqualTypeOf<readonly number[]>()
        return { late: columns.delay.map(delay => delay > 5) }
      },
      { adds: { late: column.boolean() } },
    ),
  )
})

it('types params of where, setup, and steps in transform that are functions of them', () => {
  task({
    ...base,
    where: values => {
      expectTypeOf(values).toEqualTypeOf<{ readonly carrier: string; readonly limit: number }>()
      return sql`delay > ${values.limit}`
    },
    setup: context => {
      expectTypeOf(context.params.carrier).toBeString()
      return 1
    },
    transform: [
      values => {
        expectTypeOf(values.limit).toBeNumber()
        return mapRows(row => {
          expectTypeOf(row).toEqualTypeOf<Row>()
          return null
        })
      },
    ],
  })
})

it('takes the rows of a step in transform as its author types them, and checks that against columns', () => {
  task({ ...base, transform: [mapRows((row: RowOf<typeof columns>) => ({ delay: row.delay + 1 }))] })
  task({ ...base, transform: mapRows(({ delay }: { delay: number }) => (delay > 5 ? { delay: 5 } : null)) })
  // @ts-expect-error: origin may be null
  task({ ...base, transform: mapRows(({ origin }: { origin: string }) => ({ origin })) })
  // An untyped row is taken as it comes.
  task({ ...base, transform: mapRows(row => ({ delay: row.anything }), { adds: { delay: column.int8() } }) })
})

it('refuses what a function does not return as it said', () => {
  const adds = { season: column.string() }
  task(
    base,
    // @ts-expect-error: season is missing
    mapRows(() => ({ delay: 1 }), { adds }),
    // @ts-expect-error: season is a string
    mapRows(() => ({ season: 1 }), { adds }),
    // @ts-expect-error: delay is a number
    mapRows(() => ({ delay: 'late' })),
    // @ts-expect-error: there is no such column
    mapRows(row => ({ delay: row.dealy })),
  )
})

it('types rows by columns that are written in place', () => {
  task(
    { ...base, columns: { a: column.int64({ required: true }), b: column.decimal(9, 2) } },
    mapRows(
      row => {
        expectTypeOf(row).toEqualTypeOf<{ readonly a: bigint; readonly b: string | null }>()
        return { c: 'x' }
      },
      { adds: { c: column.string({ required: true }) } },
    ),
    mapRows(row => {
      expectTypeOf(row.c).toEqualTypeOf<string>()
      return null
    }),
  )
})

it('refuses misspelt options and wrong defaults', () => {
  // @ts-expect-error: no such option
  expectTypeOf(() => task({ ...base, stric: true })).toBeFunction()
  // @ts-expect-error: a number is expected
  expectTypeOf(() => param.integer({ default: 'x' })).toBeFunction()
  // @ts-expect-error: none of the words
  expectTypeOf(() => param.enumeration(['a', 'b'], { default: 'c' })).toBeFunction()
})

it('types context.reject: it never returns in mapRows, and names a row in mapBatches', () => {
  task(
    base,
    mapRows(
      (row, context) => {
        expectTypeOf(context.reject('r')).toBeNever()
        return { n: row.delay ?? context.reject('no delay') }
      },
      { adds: { n: column.int32({ required: true }) }, onError: 'reject' },
    ),
  )
  task(
    base,
    mapBatches(
      ({ columns: all }, context) => {
        expectTypeOf(context.reject('r', { row: 0 })).toBeVoid()
        expectTypeOf(context.reject('r')).toBeNever()
        return { n: all.delay }
      },
      { adds: { n: column.int32() } },
    ),
  )
})
