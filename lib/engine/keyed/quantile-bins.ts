/** The approximate quantile of a column as SQL: counts of values in logarithmic bins, which any number of slices add up. */
import type { Measure } from '../../define/steps/exchange-definition.ts'
import { type MeasuredColumn, type MeasureKind, numeric } from './measure-kind.ts'

/** The greatest relative error. */
const error = 0.01
const gamma = (1 + error) / (1 - error)
const logGamma = Math.log(gamma)
/** More than the bins below 1 of the least double, so that a number's sign is that of its bin. */
const offset = 40_000
/** Bins of infinity and of what is no number, which stands after all numbers. */
const [infinite, notANumber] = [100_000, 100_001]

const binType = 'STRUCT(b INTEGER, n BIGINT)'
/** Parameters of functions in SQL: a field of a parameter would be that of a column of the same name. */
const [reached, bin] = ['_fanmill_reached', '_fanmill_bin']

/** The bins are in no order, and may stand in a state several times: they are sorted once, at the end. */
export const approximateQuantile: MeasureKind<Extract<Measure, { kind: 'quantile' }>> = {
  partial: (_, column) => {
    const value = doubleOf(column)
    const counted = `map_entries(histogram(${binOf(value)}) FILTER (WHERE ${value} IS NOT NULL))`
    const bins = `list_transform(${counted}, lambda ${bin}: CAST(struct_pack(b := ${bin}.key, n := ${bin}.value) AS ${binType}))`
    return { bins, n: `count(${value})` }
  },
  row: (_, column) => {
    const value = doubleOf(column)
    const counted = `CAST(struct_pack(b := ${binOf(value)}, n := 1) AS ${binType})`
    return { bins: `CASE WHEN ${value} IS NOT NULL THEN [${counted}] END`, n: `CAST(${value} IS NOT NULL AS BIGINT)` }
  },
  combine: ({ bins, n }) => ({
    bins: `flatten(list(${bins}) FILTER (WHERE ${bins} IS NOT NULL))`,
    n: `CAST(sum(${n}) AS BIGINT)`,
  }),
  finish: ({ bins, n }, _, { fraction }) => {
    const place = `floor(${fraction} * (${n} - 1)) + 1`
    const sum = `CAST(struct_pack(b := ${bin}.b, n := ${reached}.n + ${bin}.n) AS ${binType})`
    const next = `CASE WHEN ${reached}.n >= ${place} THEN ${reached} ELSE ${sum} END`
    const found = `(list_reduce(list_sort(${bins}), lambda ${reached}, ${bin}: ${next})).b`
    return `CASE WHEN ${n} > 0 THEN ${valueIn(found)} END`
  },
}

const doubleOf = (column: MeasuredColumn | undefined): string => `CAST(${numeric(column).sql} AS DOUBLE)`

const binOf = (value: string): string =>
  `CASE WHEN isnan(${value}) THEN ${notANumber} WHEN isinf(${value}) THEN CAST(sign(${value}) * ${infinite} AS INTEGER) WHEN ${value} = 0 THEN 0 ELSE CAST(sign(${value}) * (ceil(ln(abs(${value})) / ${logGamma}) + ${offset}) AS INTEGER) END`

/** The value in the middle of a bin. */
const valueIn = (bin: string): string =>
  `CASE ${bin} WHEN ${notANumber} THEN CAST('nan' AS DOUBLE) WHEN ${infinite} THEN CAST('inf' AS DOUBLE) WHEN -${infinite} THEN CAST('-inf' AS DOUBLE) WHEN 0 THEN 0 ELSE sign(${bin}) * exp(least((abs(${bin}) - ${offset}) * ${logGamma} + ${Math.log(2 / (gamma + 1))}, 709)) END`
