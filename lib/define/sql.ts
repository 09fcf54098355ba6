/** The `sql` tag: text with bound values, never text from values. */
import * as v from 'valibot'
import { check, invalid, options, show } from './check.ts'
import type { SqlStep, SqlValue } from './definition.ts'
import { frozen } from './freeze.ts'
import type { AddsColumns } from './steps.ts'

export interface SqlOptions {
  /** `row` (default, the only one): the statement sees each row on its own. */
  readonly scope?: SqlStep['scope']
}

/** A step in SQL; `Adds` are the columns that it adds, for the steps after it. */
export type Sql<Adds = unknown> = SqlStep & AddsColumns<Adds>

export interface SqlTag {
  <Adds = unknown>(texts: TemplateStringsArray, ...values: SqlValue[]): Sql<Adds>
  (options: SqlOptions): <Adds = unknown>(texts: TemplateStringsArray, ...values: SqlValue[]) => Sql<Adds>
}

/**
 * A step in SQL over the table `input`: sql`select * replace (upper(name) as name) from input where carrier = ${carrier}`.
 * No two columns of one name may come out. Values are bound. Say the columns that it adds, and later steps see their types: sql<{ state: string | null }>`…`.
 */
export const sql: SqlTag = ((first: TemplateStringsArray | SqlOptions, ...values: SqlValue[]) => {
  if (isTemplate(first)) return build(first, values, 'row')
  const { scope = 'row' } = check('sql', sqlOptions, first)
  return (texts: TemplateStringsArray, ...bound: SqlValue[]) => build(texts, bound, scope)
}) as SqlTag

const sqlOptions = options({
  scope: v.optional(v.literal('row', "'row', the only scope: a step sees each row on its own")),
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
