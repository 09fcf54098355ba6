/** Builds measures: what `reduce` computes of the rows of a key. */
import { check, options } from './check.ts'
import type { Measure } from './exchange-definition.ts'
import { frozen } from './freeze.ts'
import { filledText } from './schemas.ts'

declare const valueType: unique symbol

/** A measure with, for the compiler only, the function from the type of its column to that of its value. */
export type MeasureOf<Kind extends Measure['kind'], Column extends string = never> = Extract<
  Measure,
  { kind: Kind }
> & {
  readonly column?: Column
  readonly [valueType]?: Kind
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

/**
 * The sum of a column, null where a key has no value. A sum of integers is an `int64`, and one that does not fit fails the run with
 * SUM_OVERFLOW; a sum of decimals is an exact decimal of 38 digits, and one of floats a `float64`.
 * @example reduce({ by: ['origin'], measures: { delay: sum('delay') } })
 */
export const sum = <const Column extends string>(column: Column) => measure('sum', column)

/** The least value of a column, null where a key has none. */
export const min = <const Column extends string>(column: Column) => measure('min', column)

/** The greatest value of a column, null where a key has none. */
export const max = <const Column extends string>(column: Column) => measure('max', column)

/** The mean of a column of numbers as `float64`, null where a key has no value. */
export const mean = <const Column extends string>(column: Column) => measure('mean', column)

/** The sample variance of a column of numbers as `float64`, null where a key has fewer than two values. */
export const variance = <const Column extends string>(column: Column) => measure('variance', column)

/** The sample standard deviation of a column of numbers as `float64`, null where a key has fewer than two values. */
export const stddev = <const Column extends string>(column: Column) => measure('stddev', column)

function measure<const Kind extends Measure['kind'], const Column extends string>(
  kind: Kind,
  column: Column,
): MeasureOf<Kind, Column> {
  check(kind, options({ column: filledText }), { column })
  return frozen({ kind, column }) as unknown as MeasureOf<Kind, Column>
}

/** The type of a measure's value. The compiler knows an integer only as a number, whose sum is a bigint, or a number for floats. */
export type MeasureValue<M, Row> = M extends { readonly kind: 'count' }
  ? bigint
  : M extends { readonly kind: 'mean' | 'variance' | 'stddev' }
    ? number | null
    : M extends { readonly kind: 'sum'; readonly column: infer Column }
      ? SumOf<Column extends keyof Row ? Row[Column] : unknown>
      : M extends { readonly kind: 'min' | 'max'; readonly column: infer Column }
        ? (Column extends keyof Row ? Row[Column] : unknown) | null
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
