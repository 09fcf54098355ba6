/** Builds measures of which the user writes the SQL. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { check, invalid, options } from '../check.ts'
import { frozen } from '../freeze.ts'
import { columnList, differInMoreThanCase, filledText } from '../schemas.ts'
import type { OwnAggregate } from './exchange-definition.ts'

declare const madeValue: unique symbol

/** An own aggregate with, for the compiler only, the type of its value. */
export type OwnAggregateOf<Value> = OwnAggregate & { readonly [madeValue]?: Value }

/** The type of an own aggregate's value. */
export type OwnValue<M> = M extends { readonly [madeValue]?: infer Value } ? Value : unknown

/** The options of `aggregate`. */
export interface AggregateOptions {
  /** The columns that `partial` reads. Required. */
  readonly columns: readonly string[]
  /**
   * Aggregates of the rows of a key in one slice, by the names of the states that they make. Required.
   * @example { total: 'sum(price * amount)', amount: 'sum(amount)' }
   */
  readonly partial: Readonly<Record<string, string>>
  /**
   * Joins the states of several slices: an aggregate for each state, in which `{name}` stands for a state. It may be applied any number
   * of times, and so returns the type of its state. Required.
   * @example { total: 'sum({total})', count: 'cast(sum({count}) as bigint)' }
   */
  readonly combine: Readonly<Record<string, string>>
  /**
   * Makes the value of the joined states. Required.
   * @example '{total} / {amount}'
   */
  readonly finish: string
}

/**
 * A measure of your own: `partial` makes states of the rows of a key in each slice, `combine` joins states, and `finish` makes the value of
 * them. All are expressions of SQL. The value must not depend on how rows are cut into slices, so an aggregate that depends on an order
 * needs an ORDER BY.
 * @example
 * aggregate<number>({
 *   columns: ['price', 'amount'],
 *   partial: { total: 'sum(price * amount)', amount: 'sum(amount)' },
 *   combine: { total: 'sum({total})', amount: 'sum({amount})' },
 *   finish: '{total} / {amount}',
 * })
 */
export function aggregate<Value = unknown>(given: AggregateOptions): OwnAggregateOf<Value> {
  const { columns, partial, combine, finish } = check('aggregate', aggregateOptions, given)
  const names = Object.keys(partial)
  for (const name of names) {
    if (!statePattern.test(name))
      throw invalid('aggregate: partial', `expected names of letters, digits and _, got ${name}`)
    if (combine[name] === undefined)
      throw invalid('aggregate: combine', `expected the states ${names.join(', ')} of partial, got none for ${name}`)
  }
  for (const [where, text] of [
    ...Object.entries(combine).map(([name, sql]) => [`combine.${name}`, sql]),
    ['finish', finish],
  ])
    for (const [, name] of text?.matchAll(statesIn) ?? [])
      if (name !== undefined && !names.includes(name))
        throw invalid(`aggregate: ${where}`, `expected a state of partial (${names.join(', ')}), got {${name}}`)
  const other = Object.keys(combine).find(name => !names.includes(name))
  if (other !== undefined)
    throw invalid('aggregate: combine', `expected the states ${names.join(', ')} of partial, got ${other}`)
  return frozen({ kind: 'aggregate', columns, partial, combine, finish }) as OwnAggregateOf<Value>
}

const statePattern = /^[A-Za-z]\w*$/
const statesIn = /\{([A-Za-z]\w*)\}/g

/** Returns the SQL of an expression with its states, as `columnOf` names them. */
export const withStates = (sql: string, columnOf: (name: string) => string): string =>
  sql.replaceAll(statesIn, (_, name: string) => columnOf(name))

const expressions = v.pipe(
  record(v.string(), filledText, 'SQL expressions by the names of states'),
  v.check(all => Object.keys(all).length > 0, 'at least one state'),
  v.check(all => differInMoreThanCase(Object.keys(all)), 'names that differ in more than case'),
)
const aggregateOptions = options(
  { columns: columnList, partial: expressions, combine: expressions, finish: filledText },
  { merge: 'combine', final: 'finish', init: 'partial', map: 'partial' },
)
