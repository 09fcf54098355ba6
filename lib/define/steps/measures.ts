/** Builds measures: what `reduce` computes of the rows of a key. */
import * as v from 'valibot'
import { check, options, piece } from '../check.ts'
import type { ValueOf } from '../columns/row-types.ts'
import type { ColumnDefinition } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { columnList, filledText, flag, count as wholeNumber } from '../schemas.ts'
import type { Measure } from './exchange-definition.ts'
import type { OwnValue } from './own-aggregate.ts'

/** A measure with, for the compiler only, the name of its column. */
export type MeasureOf<Kind extends Measure['kind'], Column extends string = never> = Extract<
  Measure,
  { kind: Kind }
> & {
  readonly column?: Column
}

/**
 * Counts rows, or those with a value in a column.
 * @example reduce({ by: ['origin'], measures: { flights: count(), delayed: count('delay') } })
 */
export function count(): MeasureOf<'count'>
export function count<const Column extends string>(column: Column): MeasureOf<'count', Column>
export function count(column?: string): Measure {
  return column === undefined ? frozen({ kind: 'count' }) : measure('count', column)
}

/** The options of `sum`. */
export interface SumOptions<As extends ColumnDefinition = ColumnDefinition> {
  /**
   * The type of the sum, a number. A sum that it does not hold exactly fails the run with SUM_OVERFLOW. Default `int64` for integers, a
   * decimal of 38 digits for decimals, `float64` for floats.
   * @example sum('total', { as: column.decimal(18, 2) })
   */
  readonly as?: As
}

/**
 * The sum of a column, null where a key has no value. A sum of integers is an `int64`, and one that does not fit fails the run with
 * SUM_OVERFLOW; a sum of decimals is an exact decimal of 38 digits, and one of floats a `float64`. `as` sets another type.
 * @example reduce({ by: ['origin'], measures: { delay: sum('delay') } })
 */
export function sum<const Column extends string>(column: Column): MeasureOf<'sum', Column>
export function sum<const Column extends string, As extends ColumnDefinition>(
  column: Column,
  options: SumOptions<As>,
): MeasureOf<'sum', Column> & { readonly as: As }
export function sum(column: string, given: SumOptions = {}): Measure {
  const { as } = check('sum', sumOptions, given)
  return measure('sum', column, { as })
}

/** The least value of a column, null where a key has none. */
export const min = <const Column extends string>(column: Column) => measure('min', column)

/** The greatest value of a column, null where a key has none. */
export const max = <const Column extends string>(column: Column) => measure('max', column)

/** The mean of a column of numbers as `float64`, null where a key has no value. */
export const mean = <const Column extends string>(column: Column) => measure('mean', column)

/** The sample variance of a column of numbers as `float64`, null where a key has fewer than two values, NaN where one is infinite or no number. */
export const variance = <const Column extends string>(column: Column) => measure('variance', column)

/** The sample standard deviation of a column of numbers as `float64`, null where a key has fewer than two values. */
export const stddev = <const Column extends string>(column: Column) => measure('stddev', column)

/** The options of measures that depend on an order. */
export interface OrderOptions<Column extends string = string> {
  /**
   * The columns that order the rows of a key, ascending; nulls come last. Rows that are equal in them are ordered by the value.
   * Required.
   * @example last('price', { orderBy: ['day'] })
   */
  readonly orderBy: readonly Column[]
}

/** The options of `listOf`. */
export interface ListOptions<Column extends string = string> extends OrderOptions<Column> {
  /** The most values of a key; those after them are left out. Required, at most 100,000. */
  readonly limit: number
}

/**
 * The value of the first row of a key, by an order.
 * @example reduce({ by: ['customer'], measures: { since: first('day', { orderBy: ['day'] }) } })
 */
export const first = <const Column extends string>(column: Column, options: OrderOptions) =>
  measure('first', column, check('first', orderOptions, options))

/** The value of the last row of a key, by an order. Rows without a value in the order come before the others. */
export const last = <const Column extends string>(column: Column, options: OrderOptions) =>
  measure('last', column, check('last', orderOptions, options))

/**
 * The values of a key that are not null, as a list in an order.
 * @example reduce({ by: ['customer'], measures: { shops: listOf('shop', { orderBy: ['day'], limit: 100 }) } })
 */
export function listOf<const Column extends string>(column: Column, given: ListOptions): MeasureOf<'listOf', Column> {
  return measure('listOf', column, check('listOf', listOptions, given))
}

/** The options of `textOf`. */
export interface TextOptions<Column extends string = string> extends ListOptions<Column> {
  /** The text between two values. Default `, `. */
  readonly separator?: string
}

/**
 * The values of a key that are not null as one text, in an order.
 * @example reduce({ by: ['customer'], measures: { shops: textOf('shop', { orderBy: ['day'], limit: 100, separator: ';' }) } })
 */
export function textOf<const Column extends string>(column: Column, given: TextOptions): MeasureOf<'textOf', Column> {
  const { orderBy, limit, separator = ', ' } = check('textOf', textOptions, given)
  return measure('textOf', column, { orderBy, limit, separator })
}

/**
 * The number of different values of a column, without null. The exact number moves all rows of a key to one worker; an approximate
 * one moves at most a few kilobytes for each key and batch, and is within about 5 % (standard error 2.3 %).
 * @example reduce({ by: ['shop'], measures: { customers: countDistinct('customer', { approximate: true }) } })
 */
export function countDistinct<const Column extends string>(
  column: Column,
  given: { readonly approximate?: boolean } = {},
): MeasureOf<'countDistinct', Column> {
  const { approximate = false } = check('countDistinct', distinctOptions, given)
  return measure('countDistinct', column, { isApproximate: approximate })
}

/**
 * The quantile of a column of numbers as `float64`. The exact one is interpolated, and moves all values of a key to one worker; an
 * approximate one differs by at most 1 % from a value at its place, and moves at most some kilobytes for each key and slice.
 * @example reduce({ by: ['shop'], measures: { median: quantile('total', 0.5) } })
 * @example reduce({ by: ['shop'], measures: { late: quantile('delay', 0.99, { approximate: true }) } })
 */
export function quantile<const Column extends string>(
  column: Column,
  fraction: number,
  given: { readonly approximate?: boolean } = {},
): MeasureOf<'quantile', Column> {
  const { approximate = false } = check('quantile', distinctOptions, given)
  check('quantile', options({ fraction: fractionSchema }), { fraction })
  return measure('quantile', column, { fraction, isApproximate: approximate })
}

const fractionText = 'a number from 0 to 1'
const fractionSchema = v.pipe(v.number(fractionText), v.minValue(0, fractionText), v.maxValue(1, fractionText))
const listEntries = { orderBy: columnList, limit: wholeNumber(1, 100_000) }
const orderOptions = options({ orderBy: columnList })
const listOptions = options(listEntries)
const textOptions = options({ ...listEntries, separator: v.optional(v.string('a text')) })
const numberTypes = /^(u?int(8|16|32|64)|decimal|float(32|64))$/
const sumOptions = options({
  as: v.optional(
    v.pipe(
      piece<ColumnDefinition>('a column of numbers such as column.decimal(18, 2)', ['column']),
      v.check(({ type }) => numberTypes.test(type), 'a column of numbers such as column.decimal(18, 2)'),
    ),
  ),
})
const distinctOptions = options({ approximate: v.optional(flag) })

function measure<const Kind extends Measure['kind'], const Column extends string>(
  kind: Kind,
  column: Column,
  fields: object = {},
): MeasureOf<Kind, Column> {
  check(kind, options({ column: filledText }), { column })
  return frozen({ kind, column, ...fields }) as unknown as MeasureOf<Kind, Column>
}

/** The type of a measure's value. The compiler knows an integer only as a number, whose sum is a bigint, or a number for floats. */
export type MeasureValue<M, Row> = M extends { readonly kind: 'aggregate' }
  ? OwnValue<M>
  : M extends { readonly kind: 'count' | 'countDistinct' }
    ? bigint
    : M extends { readonly kind: 'mean' | 'variance' | 'stddev' | 'quantile' }
      ? number | null
      : M extends { readonly kind: 'textOf' }
        ? string | null
        : M extends { readonly kind: 'sum'; readonly as: infer As extends ColumnDefinition }
          ? ValueOf<As> | null
          : M extends { readonly kind: 'sum'; readonly column: infer Column }
            ? SumOf<Column extends keyof Row ? Row[Column] : unknown>
            : M extends { readonly kind: 'min' | 'max' | 'first' | 'last'; readonly column: infer Column }
              ? (Column extends keyof Row ? Row[Column] : unknown) | null
              : M extends { readonly kind: 'listOf'; readonly column: infer Column }
                ? readonly (Column extends keyof Row ? NonNullable<Row[Column]> : unknown)[] | null
                : unknown

type SumOf<Value> = unknown extends Value
  ? // biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where the column's type is unknown
    any
  : Value extends bigint
    ? bigint
    : Value extends number
      ? number | bigint
      : Value

/** The row of a key. */
export type ReducedRow<Row, By extends PropertyKey, M> = {
  readonly [Name in By | keyof M]: Name extends keyof M
    ? MeasureValue<M[Name], Row>
    : Name extends keyof Row
      ? Row[Name]
      : never
}
