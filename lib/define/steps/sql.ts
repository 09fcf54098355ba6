/** Defines the `sql` tag: text with bound values. A value never becomes text of the statement. */
import * as v from 'valibot'
import { check, invalid, options, show } from '../check.ts'
import type { SqlStep, SqlValue } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { oneOf } from '../schemas.ts'

/** The options of the `sql` tag. */
export interface SqlOptions {
  /**
   * The rows that a statement sees. `row`: each row on its own. `bucket`: all rows of a key together, after an exchange by that key; groups,
   * windows and DISTINCT ON must then be by all columns of the key. `any-slice`: some rows of the input together, such as those of a
   * file; which ones depends on the machine and its memory, so another run may write other rows. Not with an output that appends.
   * Default `row`.
   * @example task({ … }).exchange({ by: ['customer'] }).sql({ scope: 'bucket' })`select customer, max(time) as last from input group by customer`
   */
  readonly scope?: SqlStep['scope']
}

/** The type of the `sql` tag. */
export interface SqlTag {
  (texts: TemplateStringsArray, ...values: SqlValue[]): SqlStep
  (options: SqlOptions): (texts: TemplateStringsArray, ...values: SqlValue[]) => SqlStep
}

/**
 * SQL with bound values: a condition for `where` and `checks`, or a statement over the table `input` that a step returns. No two
 * columns of one name may come out of a statement.
 * @example where: sql`delay is not null`
 * @example task({ … }).sql(({ carrier }) => sql`select * from input where carrier = ${carrier}`)
 */
export const sql: SqlTag = ((first: TemplateStringsArray | SqlOptions, ...values: SqlValue[]) => {
  if (isTemplate(first)) return build(first, values, 'row')
  const { scope = 'row' } = check('sql', sqlOptions, first)
  return (texts: TemplateStringsArray, ...bound: SqlValue[]) => build(texts, bound, scope)
}) as SqlTag

const sqlOptions = options({
  scope: v.optional(oneOf(['row', 'bucket', 'any-slice'])),
})

function build(texts: TemplateStringsArray, values: readonly SqlValue[], scope: SqlStep['scope']): SqlStep {
  if (texts.join('').trim() === '') throw invalid('sql', 'expected a statement, got nothing')
  values.forEach((value, index) => {
    if (!isSqlValue(value))
      throw invalid(
        'sql',
        `value ${index + 1}: expected a string, number, bigint, true or false, null, or a list of strings or numbers, got ${show(value)}`,
      )
  })
  return frozen({ kind: 'sql', texts: [...texts], values: [...values], scope })
}

function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && 'raw' in value
}

function isSqlValue(value: unknown): boolean {
  if (value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return true
  if (!Array.isArray(value)) return false
  return value.every(item => typeof item === 'string') || value.every(item => typeof item === 'number')
}
