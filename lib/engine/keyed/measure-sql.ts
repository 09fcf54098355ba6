/** The table of measures as SQL: what a slice computes, how several results of it are joined, and how the measure is made of them. */
import type { ColumnDefinition } from '../../define/definition.ts'
import type { Measure, OwnAggregate } from '../../define/steps/exchange-definition.ts'
import { withStates } from '../../define/steps/own-aggregate.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { quoteName, quoteText } from '../../duckdb/quote.ts'
import { definedTypeName } from '../../model/type-names.ts'
import { sqlType } from '../read/column-sql.ts'
import { isInteger, type MeasuredColumn, type MeasureKind, numeric, type StateSql } from './measure-kind.ts'
import { approximateQuantile } from './quantile-bins.ts'

type Of<Kind extends Measure['kind']> = Extract<Measure, { kind: Kind }>

const count: MeasureKind = {
  partial: (_, column) => ({ n: `count(${column?.sql ?? '*'})` }),
  row: (_, column) => ({ n: column ? isThere(column) : '1' }),
  combine: ({ n }) => ({ n: `CAST(sum(${n}) AS BIGINT)` }),
  finish: ({ n = '' }) => n,
}

const isThere = ({ sql }: MeasuredColumn): string => `CAST(${sql} IS NOT NULL AS BIGINT)`

const sum: MeasureKind<Of<'sum'>> = {
  partial: (_, column) => sumOf(column),
  row: (_, column) => sumOfRow(column),
  combine: combineSum,
  finish: (state, name, { as }) => {
    if (as) return castSum(state.whole ?? state.s ?? '', as, name)
    return state.whole === undefined ? (state.s ?? '') : castSum(state.whole, { kind: 'column', type: 'int64' }, name)
  },
}

/** Casts a sum to a type, and fails where that does not hold it: a float may lose digits. */
function castSum(sum: string, as: ColumnDefinition, name: string): string {
  const type = sqlType(as)
  const cast = `TRY_CAST(${sum} AS ${type})`
  const held = as.type.startsWith('float') ? `${cast} IS NOT NULL` : `${cast} = ${sum}`
  const overflow = `error(${quoteText(`${overflowMark}${definedTypeName(as).replaceAll(' ', '')} ${name}`)})`
  return `CASE WHEN ${sum} IS NULL THEN NULL WHEN coalesce(${held}, false) THEN ${cast} ELSE CAST(${overflow} AS ${type}) END`
}

/** Begins the engine's error for a sum that its type does not hold: the type and the column follow. */
export const overflowMark = 'fanmill SUM_OVERFLOW '

/** Sums of integers are exact: as 38 digits, because Parquet has no larger integers than 64 bits. */
function sumOf(column: MeasuredColumn | undefined): StateSql {
  const { sql = '', type } = numeric(column)
  return isInteger(type) ? { whole: `CAST(sum(${sql}) AS DECIMAL(38, 0))` } : { s: `sum(${sql})` }
}

function sumOfRow(column: MeasuredColumn | undefined): StateSql {
  const { sql, type } = numeric(column)
  return isInteger(type) ? { whole: sql } : { s: sql }
}

function combineSum({ whole, s }: StateSql): StateSql {
  return whole === undefined ? { s: `sum(${s})` } : { whole: `CAST(sum(${whole}) AS DECIMAL(38, 0))` }
}

const mean: MeasureKind = {
  partial: (_, column) => ({ ...sumOf(column), n: `count(${column?.sql})` }),
  row: (_, column) => ({ ...sumOfRow(column), n: isThere(numeric(column)) }),
  combine: ({ n, ...state }) => ({ ...combineSum(state), n: `CAST(sum(${n}) AS BIGINT)` }),
  finish: ({ whole, s, n }) => `CAST(${whole ?? s} AS DOUBLE) / nullif(${n}, 0)`,
}

const momentsType = 'STRUCT(n BIGINT, mean DOUBLE, m2 DOUBLE)'

/** Count, mean and sum of squared differences from the mean, joined as Chan and others do: sums of squares would lose digits. */
const moments = (finish: (moments: string) => string): MeasureKind => ({
  partial: (_, column) => {
    const value = `CAST(${numeric(column).sql} AS DOUBLE)`
    // The engine fails for infinity and for what is no number, of which there is no mean.
    const variance = `var_pop(${value}) FILTER (WHERE isfinite(${value}))`
    // Scaled, so that no sum of finite values overflows. The sum with a compensation is also that which tells infinity and NaN.
    const average = `favg(${value} * 5.421010862427522e-20)`
    const m2 = `CASE WHEN isfinite(${average}) THEN ${variance} * count(${value}) ELSE CAST('nan' AS DOUBLE) END`
    // The difference between means is squared: none may come from rounding where values are equal, and avg() rounds after each row.
    const mean = `CASE WHEN ${variance} = 0 THEN any_value(${value}) ELSE ${average} * 1.8446744073709552e19 END`
    const packed = `struct_pack(n := count(${value}), mean := ${mean}, m2 := ${m2})`
    return { moments: `CASE WHEN count(${value}) > 0 THEN CAST(${packed} AS ${momentsType}) END` }
  },
  combine: ({ moments }) => {
    const [a, b] = ['_fanmill_a', '_fanmill_b']
    const [n, apart] = [`(${a}.n + ${b}.n)`, `(${b}.mean - ${a}.mean)`]
    const joined = `struct_pack(n := ${n}, mean := ${a}.mean + ${apart} * ${b}.n / ${n}, m2 := ${a}.m2 + ${b}.m2 + ${apart} * ${apart} * ${a}.n * ${b}.n / ${n})`
    return {
      moments: `list_reduce(list(${moments}) FILTER (WHERE ${moments} IS NOT NULL), lambda ${a}, ${b}: CAST(${joined} AS ${momentsType}))`,
    }
  },
  // Whether the squares of large numbers overflow within a slice, where the engine fails, or only here, depends on how rows are cut.
  finish: ({ moments = '' }, name) =>
    `CASE WHEN isinf((${moments}).m2) THEN CAST(error(${quoteText(`${overflowMark}variance ${name}`)}) AS DOUBLE) WHEN (${moments}).n > 1 THEN ${finish(moments)} END`,
})

const extreme = (name: 'min' | 'max'): MeasureKind => ({
  compares: true,
  partial: (_, column) => ({ m: `${name}(${column?.sql})` }),
  row: (_, column) => ({ m: column?.sql ?? '' }),
  combine: ({ m }) => ({ m: `${name}(${m})` }),
  finish: ({ m = '' }) => m,
})

/** Packs the order and the value of a row. In a comparison of structs, later fields decide where the former are equal. */
function orderedValue({ sql, orderBy }: MeasuredColumn, present: (value: string) => string): string {
  const order = orderBy.flatMap((name, index) => [`p${index} := ${present(name)}`, `o${index} := ${name}`])
  return `struct_pack(${[...order, `p := ${present(sql)}`, `v := ${sql}`].join(', ')})`
}

/** The value at one end of the order, where rows without a value in the order come last, from the other end. */
function atEnd(name: 'min' | 'max'): MeasureKind {
  const present = (value: string): string => `(${value} IS ${name === 'min' ? '' : 'NOT '}NULL)`
  return {
    compares: true,
    partial: (_, column) => ({ end: column ? `${name}(${orderedValue(column, present)})` : '' }),
    row: (_, column) => ({ end: column ? orderedValue(column, present) : '' }),
    combine: ({ end }) => ({ end: `${name}(${end})` }),
    finish: ({ end }) => `(${end}).v`,
  }
}

/** Every state of a list says how long it may be, because states are joined without the definition. */
const listOf: MeasureKind<Of<'listOf' | 'textOf'>> = {
  compares: true,
  partial: ({ limit }, column) => {
    const row = column ? orderedValue(column, value => `(${value} IS NULL)`) : ''
    const rows = `list(${row}) FILTER (WHERE ${column?.sql} IS NOT NULL)`
    return { rows: `list_sort(${rows})[1:${limit}]`, limit: `CAST(${limit} AS INTEGER)` }
  },
  combine: ({ rows, limit }) => ({
    rows: `list_sort(flatten(list(${rows}) FILTER (WHERE ${rows} IS NOT NULL)))[1:max(${limit})]`,
    limit: `max(${limit})`,
  }),
  finish: ({ rows }) => valuesIn(rows),
}

const valuesIn = (rows = ''): string => `list_transform(${rows}, lambda _fanmill_row: _fanmill_row.v)`

/** Registers of an approximate count, each with the longest run of zeros that a hash has shown. */
const registers = 2048
const registerBits = 11
/** Room for a run of zeros beside the number of its register. */
const runsMax = 64
/** The constant of the HyperLogLog estimate for so many registers. */
const alpha = 0.7213 / (1 + 1.079 / registers)

/** The documented hash of a value: MD5 of its text, so that no engine's own sketch is moved. */
const countDistinct: MeasureKind = {
  partial: (_, column) => {
    const hash = `md5_number_lower(CAST(${column?.sql} AS VARCHAR))`
    const run = `(${64 - registerBits} - length(ltrim(bin(${hash} >> ${registerBits}), '0')) + 1)`
    const code = `CAST((${hash} & ${registers - 1}) * ${runsMax} + ${run} AS INTEGER)`
    return { codes: `list_distinct(list(${code}) FILTER (WHERE ${column?.sql} IS NOT NULL))` }
  },
  combine: ({ codes }) => ({ codes: `list_distinct(flatten(list(${codes})))` }),
  finish: ({ codes }) => {
    const sorted = `list_reverse_sort(coalesce(${codes}, CAST([] AS INTEGER[])))`
    const longest = `list_filter(${sorted}, lambda x, i: i = 1 OR ${sorted}[i - 1] // ${runsMax} <> x // ${runsMax})`
    const seen = `len(${longest})`
    const powers = `(coalesce(list_sum(list_transform(${longest}, lambda x: pow(2.0, -(x % ${runsMax})))), 0) + ${registers} - ${seen})`
    const raw = `${alpha * registers * registers} / ${powers}`
    const linear = `${registers} * ln(${registers}.0 / nullif(${registers} - ${seen}, 0))`
    return `CAST(round(CASE WHEN ${raw} <= ${2.5 * registers} AND ${seen} < ${registers} THEN ${linear} ELSE ${raw} END) AS BIGINT)`
  },
  whole: (_, column) => `count(DISTINCT ${column?.sql})`,
}

const joinedText: MeasureKind<Of<'textOf'>> = {
  ...listOf,
  finish: ({ rows }, _, { separator }) =>
    `array_to_string(CAST(${valuesIn(rows)} AS VARCHAR[]), ${quoteText(separator)})`,
}

/** Exact quantiles need all values. */
const exactQuantile: MeasureKind<Of<'quantile'>> = {
  partial: () => ({}),
  combine: () => ({}),
  finish: () => '',
  whole: ({ fraction }, column) => `quantile_cont(CAST(${numeric(column).sql} AS DOUBLE), ${fraction})`,
}

const own: MeasureKind<OwnAggregate> = {
  partial: ({ partial }) => inParentheses(partial),
  combine: (state, { combine }) => {
    const joined = Object.entries(combine).map(([name, sql]) => [name, withStates(sql, each => state[each] ?? '')])
    return inParentheses(Object.fromEntries(joined))
  },
  finish: (state, _, { finish }) => `(${withStates(finish, each => state[each] ?? '')}\n)`,
}

/** A text may end in a comment. */
const inParentheses = (expressions: StateSql): StateSql =>
  Object.fromEntries(Object.entries(expressions).map(([name, sql]) => [name, `(${sql}\n)`]))

const measureKinds: { readonly [K in Measure['kind']]: MeasureKind<Of<K>> } = {
  count,
  sum,
  mean,
  min: extreme('min'),
  max: extreme('max'),
  variance: moments(state => `(${state}).m2 / ((${state}).n - 1)`),
  stddev: moments(state => `sqrt((${state}).m2 / ((${state}).n - 1))`),
  first: atEnd('min'),
  last: atEnd('max'),
  listOf,
  textOf: joinedText,
  countDistinct,
  quantile: exactQuantile,
  aggregate: own,
}

/** Returns the SQL of a measure. */
export const measureKind = (measure: Measure): MeasureKind =>
  measure.kind === 'quantile' && measure.isApproximate ? approximateQuantile : measureKinds[measure.kind]

const statePrefix = '_fanmill_state_'

/** Names the column of a part of a measure's state. */
export const stateName = (index: number, suffix: string): string => `${statePrefix}${index}_${suffix}`

/** Returns the same name as SQL. */
export const stateColumn = (index: number, suffix: string): string => quoteName(stateName(index, suffix))

/** Finds the state of a measure among the columns of rows that a slice made. */
export function stateIn(index: number, columns: readonly EngineColumn[]): StateSql {
  const prefix = `${statePrefix}${index}_`
  const own = columns.filter(({ name }) => name.startsWith(prefix))
  return Object.fromEntries(own.map(({ name }) => [name.slice(prefix.length), quoteName(name)]))
}
