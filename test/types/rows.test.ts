/** The types that follow from definitions; held by the type check. */
import { expectTypeOf, it } from 'vitest'
import {
  column,
  csv,
  files,
  items,
  lines,
  type ParamValuesOf,
  param,
  parquet,
  pipeline,
  type RowOf,
  rowsFrom,
  sql,
  type Task,
  type TaskDefinition,
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

it('types the rows and the context of functions', () => {
  task({ ...base, setup: async () => ({ model: 'm' }) })
    .mapRows(
      (row, context) => {
        expectTypeOf(row).toEqualTypeOf<Row>()
        expectTypeOf(context.params).toEqualTypeOf<{ readonly carrier: string; readonly limit: number }>()
        expectTypeOf(context.state).toEqualTypeOf<{ model: string }>()
        expectTypeOf(context.member).toBeString()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        return { season: 'summer' }
      },
      { adds: { season: column.string() } },
    )
    .mapRows(row => {
      expectTypeOf(row.season).toEqualTypeOf<string | null>()
      expectTypeOf(row.delay).toBeNumber()
      return null
    })
})

it('types the state that setup makes from its own context', () => {
  task({ ...base, setup: ({ params: { limit }, file }) => ({ limit, rates: file('rates.json').text() }) }).mapRows(
    (_row, { state }) => {
      expectTypeOf(state).toEqualTypeOf<{ limit: number; rates: string }>()
      return null
    },
  )
})

it('types rows after SQL by the columns that it is said to add', () => {
  task(base).sql<{
    state: string | null
  }>`select i.*, a.state from input i left join airports a on a.iata = i.origin`.mapRows(row => {
    expectTypeOf(row.state).toEqualTypeOf<string | null>()
    expectTypeOf(row.date).toEqualTypeOf<Date | null>()
    return { delay: 0 }
  })
})

it('types the parameters of SQL that depends on them', () => {
  task(base)
    .sql<{ upper: string }>(values => {
      expectTypeOf(values).toEqualTypeOf<{ readonly carrier: string; readonly limit: number }>()
      return sql`select *, upper(origin) as upper from input where origin = ${values.carrier}`
    })
    .mapRows((row, { params }) => {
      expectTypeOf(row.upper).toBeString()
      expectTypeOf(params.limit).toBeNumber()
      return [{ delay: 1 }, { ...row, delay: 2 }]
    })
})

it('reads columns that SQL adds without naming them as unknown', () => {
  task(base).sql`select *, upper(origin) as upper from input`.mapRows(row => {
    expectTypeOf(row.delay).toBeNumber()
    expectTypeOf(row.upper).toBeUnknown()
    return { delay: 1 }
  })
})

it('types columns of batches', () => {
  task(base).mapBatches(
    ({ rowCount, columns }) => {
      expectTypeOf(rowCount).toBeNumber()
      expectTypeOf(columns.delay).toEqualTypeOf<readonly number[]>()
      return { late: columns.delay.map(delay => delay > 5) }
    },
    { adds: { late: column.boolean() } },
  )
})

it('types any number of steps', () => {
  const late = task(base)
    .mapRows(() => ({ a: 1 }), { adds: { a: column.int32({ required: true }) } })
    .mapRows(row => ({ b: row.a }), { adds: { b: column.int32({ required: true }) } })
    .mapRows(row => ({ c: row.b }), { adds: { c: column.int32({ required: true }) } }).sql<{
    d: string
  }>`select *, 'd' as d from input`
    .mapBatches(({ columns: all }) => ({ e: all.d }), { adds: { e: column.string({ required: true }) } })
    .mapRows(row => ({ f: row.e }), { adds: { f: column.string({ required: true }) } })
    .mapRows(row => ({ g: row.f }), { adds: { g: column.string({ required: true }) } })
    .mapRows(row => ({ h: row.g, a: String(row.a) }), { adds: { h: column.string(), a: column.string() } })
  late.mapRows(row => {
    expectTypeOf(row.h).toEqualTypeOf<string | null>()
    expectTypeOf(row.a).toEqualTypeOf<string | null>()
    expectTypeOf(row.b).toBeNumber()
    expectTypeOf(row.delay).toBeNumber()
    return null
  })
})

it('types fifteen steps and more', () => {
  const adds = { a: column.int32() }
  const one = task(base).mapRows(() => ({ a: 1 }), { adds })
  const ten = one.sql<{ b: string }>`select 1`.sql<{ c: string }>`select 1`.sql<{ d: string }>`select 1`.sql<{
    b: string
  }>`select 1`.sql<{ c: string }>`select 1`.sql<{ d: string }>`select 1`.sql<{ b: string }>`select 1`.sql<{
    c: string
  }>`select 1`.sql<{ d: string }>`select 1`
  const twenty = ten
    .mapRows(row => ({ a: row.a }), { adds })
    .mapRows(row => ({ a: row.a }), { adds })
    .mapRows(row => ({ a: row.a }), { adds })
    .mapRows(row => ({ a: row.a }), { adds })
    .mapRows(row => ({ a: row.a }), { adds })
  twenty.mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<{
      readonly date: Date | null
      readonly delay: number
      readonly origin: string | null
      readonly a: number | null
      readonly b: string
      readonly c: string
      readonly d: string
    }>()
    return null
  })
  // Whatever its rows and parameters are, it is a task.
  expectTypeOf(twenty).toExtend<Task>()
  expectTypeOf(twenty).toExtend<TaskDefinition>()
})

it('types the parameters of where and setup', () => {
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
  })
})

it('leaves rows unchecked where a task names no columns', () => {
  const { columns: _, ...unknown } = base
  task(unknown).mapRows(row => ({ n: row.anything + 1 }), { adds: { n: column.int32() } })
})

it('refuses a returned row that is not as it was declared', () => {
  const adds = { season: column.string() }
  const flights = task(base)
  // @ts-expect-error: season is missing
  flights.mapRows(() => ({ delay: 1 }), { adds })
  // @ts-expect-error: season is a string
  flights.mapRows(() => ({ season: 1 }), { adds })
  // @ts-expect-error: delay is a number
  flights.mapRows(() => ({ delay: 'late' }))
  // @ts-expect-error: there is no such column
  flights.mapRows(row => ({ delay: row.dealy }))
  // @ts-expect-error: the last row has no season
  flights.mapRows(row => [{ season: row.origin }, { delay: 1 }], { adds })
})

it('refuses a returned column that is neither a column nor in adds', () => {
  const adds = { season: column.string() }
  const flights = task(base)
  // @ts-expect-error: seasn is not in adds
  flights.mapRows(() => ({ season: 'x', seasn: 'x' }), { adds })
  // @ts-expect-error: dealy is no column
  flights.mapRows(row => ({ dealy: row.delay }))
  // @ts-expect-error: dealy is no column
  flights.mapRows(row => (row.delay > 1 ? { dealy: row.delay } : null))
  // @ts-expect-error: dealy is no column
  flights.mapRows(row => [{ ...row, dealy: row.delay }])
  // @ts-expect-error: lat is not in adds
  flights.mapBatches(({ columns: all }) => ({ lat: all.delay }), { adds: { late: column.int32() } })
  // @ts-expect-error: late is missing
  flights.mapBatches(() => ({}), { adds: { late: column.int32() } })
})

it('types rows by columns that are written in place', () => {
  task({ ...base, columns: { a: column.int64({ required: true }), b: column.decimal(9, 2) } })
    .mapRows(
      row => {
        expectTypeOf(row).toEqualTypeOf<{ readonly a: bigint; readonly b: string | null }>()
        return { c: 'x' }
      },
      { adds: { c: column.string({ required: true }) } },
    )
    .mapRows(row => {
      expectTypeOf(row.c).toEqualTypeOf<string>()
      return null
    })
})

it('types columns of paths and of provenance', () => {
  const byYear = files({ paths: 'in/year={limit}/carrier=AA/*.csv', format: csv() })
  task({ ...base, source: byYear, provenance: ['_line', '_loaded_at'] }).mapRows(row => {
    expectTypeOf(row.year).toEqualTypeOf<string | null>()
    expectTypeOf(row._line).toEqualTypeOf<bigint>()
    expectTypeOf(row._loaded_at).toEqualTypeOf<Date>()
    return null
  })
})

it('refuses an output by columns that the rows do not have', () => {
  const by = (...partitionBy: ['state' | 'origin']) => ({ ...base, output: output.with({ partitionBy }) })
  const mapped = task({
    ...base,
    output: parquet({ path: '{carrier}/{limit}', partitionBy: ['state'], sortBy: ['delay'] }),
  })
  const name = 'p'
  // @ts-expect-error: no step adds state
  expectTypeOf(() => pipeline({ name, tasks: [mapped] })).toBeFunction()
  // @ts-expect-error: no step adds state
  expectTypeOf(() => pipeline({ name, tasks: [task(by('state'))] })).toBeFunction()
  const added = mapped.mapRows(() => ({ state: 'PA' }), { adds: { state: column.string() } })
  expectTypeOf(() => pipeline({ name, tasks: [added, mapped.sql<{ state: string }>`select 1`] })).toBeFunction()
  // Not all columns are known after SQL that does not name what it adds.
  expectTypeOf(mapped.sql`select *, 'PA' as state from input`).toExtend<TaskDefinition>()
  // Names are told apart without case.
  const upper = task({ ...base, output: output.with({ sortBy: ['DELAY'] }) })
  expectTypeOf(upper).toExtend<TaskDefinition>()
})

it('checks the columns of rows that code yields', () => {
  const source = rowsFrom({ partitions: ['a'], rows: () => [] })
  const unsorted = { name: 'x', source, columns } as const
  expectTypeOf(task({ ...unsorted, output: parquet({ path: 'x', sortBy: ['delay'] }) })).toExtend<TaskDefinition>()
  expectTypeOf(task({ ...unsorted, output: parquet({ path: 'x', sortBy: ['year'] }) })).not.toExtend<TaskDefinition>()
})

it('gives the function of items its value', () => {
  const source = items([{ city: 'Rome', days: [1, 2] }, { city: 'Oslo' }], (value, { params, signal }) => {
    expectTypeOf(value.city).toEqualTypeOf<'Rome' | 'Oslo'>()
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
    return { city: value.city, params }
  })
  items(
    async ({ month }: { month: string }) => [month.length],
    async value => {
      expectTypeOf(value).toEqualTypeOf<number>()
      return [{ value }]
    },
  )
  // @ts-expect-error: a row is an object
  items(['a'], value => value)
  const sorted = { name: 'x', source, columns } as const
  expectTypeOf(task({ ...sorted, output: parquet({ path: 'x', sortBy: ['year'] }) })).not.toExtend<TaskDefinition>()
  task({ ...sorted, output: parquet({ path: 'x' }) }).mapRows(row => {
    expectTypeOf(row).toEqualTypeOf<Row>()
    return row
  })
})

it('checks no columns that only the paths of inputs or the pattern of lines tell', () => {
  const sorted = parquet({ path: '{carrier}/{limit}', sortBy: ['year'] })
  const anywhere = task({ ...base, source: files({ paths: 'in/**/*.csv', format: csv() }), output: sorted })
  expectTypeOf(anywhere).toExtend<TaskDefinition>()
  const flat = task({ ...base, source: files({ paths: 'in/**/*.csv', format: csv(), hive: false }), output: sorted })
  expectTypeOf(flat).not.toExtend<TaskDefinition>()
  const log = files({ paths: 'a.log', format: lines({ pattern: '(?<year>.*)' }) })
  expectTypeOf(task({ name: 'log', source: log, params, output: sorted })).toExtend<TaskDefinition>()
})

it('names the right type where another tool calls it otherwise', () => {
  // @ts-expect-error: Type 'DidYouMean<"int32 or int64">' has no call signatures
  expectTypeOf(() => column.int()).toBeFunction()
  // @ts-expect-error: Type 'DidYouMean<"boolean">' has no call signatures
  expectTypeOf(() => column.bool()).toBeFunction()
  // @ts-expect-error: Type 'DidYouMean<"integer">' has no call signatures
  expectTypeOf(() => param.int()).toBeFunction()
  expectTypeOf(column.int.didYouMean).toEqualTypeOf<'int32 or int64'>()
  // @ts-expect-error: did you mean timestamp
  expectTypeOf(() => column.tmestamp()).toBeFunction()
})

it('refuses misspelt options and wrong defaults', () => {
  // @ts-expect-error: no such option
  expectTypeOf(() => task({ ...base, stric: true })).toBeFunction()
  // @ts-expect-error: no such option
  expectTypeOf(() => parquet({ path: 'x', partitonBy: ['a'] })).toBeFunction()
  // @ts-expect-error: no such option
  expectTypeOf(() => files({ path: 'x', format: csv() })).toBeFunction()
  // @ts-expect-error: a number is expected
  expectTypeOf(() => param.integer({ default: 'x' })).toBeFunction()
  // @ts-expect-error: none of the words
  expectTypeOf(() => param.enumeration(['a', 'b'], { default: 'c' })).toBeFunction()
})

it('types context.reject: it never returns in mapRows, and names a row in mapBatches', () => {
  task(base).mapRows(
    (row, context) => {
      expectTypeOf(context.reject('r')).toBeNever()
      return { n: row.delay ?? context.reject('no delay') }
    },
    { adds: { n: column.int32({ required: true }) }, onError: 'reject' },
  )
  task(base).mapBatches(
    ({ columns: all }, context) => {
      expectTypeOf(context.reject('r', { row: 0 })).toBeVoid()
      expectTypeOf(context.reject('r')).toBeNever()
      return { n: all.delay }
    },
    { adds: { n: column.int32() } },
  )
})
