/** The `checks` of a task as SQL: conditions on the rows that were read, each with the reason of its rejects. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { RowCheck, SqlValue } from '../../define/definition.ts'
import { quoteName, quoteText } from '../../duckdb/quote.ts'
import { FanmillError, PermanentError } from '../../errors/errors.ts'
import { whereStep } from '../../model/run/resolve-task.ts'
import { allRows, checkTransform, type TransformCheck } from './transform.ts'

/** A condition with its values, ready to stand in a statement. */
export interface BoundCheck {
  readonly condition: string
  readonly reason: string
}

/** @throws SQL_INVALID, SQL_NOT_ROWWISE with the number of the check */
export async function bindChecks(
  connection: DuckDBConnection,
  given: Omit<TransformCheck, 'steps'>,
  checks: readonly RowCheck[],
): Promise<BoundCheck[]> {
  const bound: BoundCheck[] = []
  for (const [index, { that, reason }] of checks.entries()) {
    try {
      await checkTransform(connection, { ...given, steps: [whereStep(that)] })
    } catch (error) {
      if (!(error instanceof FanmillError)) throw error
      const message = error.message.replace(/^where/, `check ${index + 1}`)
      throw new PermanentError(error.code, message, { ...error.detail, check: index + 1 }, { cause: error })
    }
    // Literals stand in place of placeholders, whose numbers the statement around the condition cannot take in.
    const text = that.texts.reduce((sql, next, index) => `${sql}${literal(that.values[index - 1] as SqlValue)}${next}`)
    // The newline is needed because the condition may end in a comment.
    bound.push({ condition: `((${text}\n) IS NOT FALSE)`, reason })
  }
  return bound
}

/** As in SQL's own CHECK, a condition that is null is met. */
const allPass = (checks: readonly BoundCheck[]): string => checks.map(({ condition }) => condition).join(' AND ')

/** No filter moves below a limit: the checks see only rows that fit. */
const fitting = (input: string): string => `SELECT * FROM (${input}) LIMIT ${allRows}`

/** The rows of a fast reading; one that fails a check fails the query, as a misfit does. */
export const raiseFailing = (input: string, checks: readonly BoundCheck[]): string =>
  checks.length === 0
    ? input
    : `SELECT * FROM (${input}) WHERE CASE WHEN ${allPass(checks)} THEN true ELSE error('fanmill: a row fails a check') END`

/** The rows of a careful reading that pass, counted by the function `counter`; all columns are read below. */
export function passingRows(input: string, checks: readonly BoundCheck[], counter: string, column: string): string {
  if (checks.length === 0) return input
  return `SELECT * FROM (${fitting(input)}) WHERE CASE WHEN ${allPass(checks)} THEN ${counter}(${quoteName(column)} IS NULL) ELSE false END`
}

/** The rows of a careful reading that fail, as rejects; `input` has their places too. Empty where there is no check. */
export function failingRows(input: string, checks: readonly BoundCheck[]): string {
  if (checks.length === 0) return ''
  const reasons = checks.map(({ condition, reason }) => `WHEN NOT ${condition} THEN ${quoteText(reason)}`)
  return `SELECT _fanmill_member, _fanmill_line, _fanmill_record, '', CASE ${reasons.join(' ')} END, left(_fanmill_received, 200), _fanmill_text
    FROM (${fitting(input)}) WHERE NOT (${allPass(checks)})`
}

function literal(value: SqlValue): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return quoteText(value)
  if (typeof value === 'object') return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'number')
    return `CAST(${quoteText(String(value))} AS ${Number.isInteger(value) ? 'BIGINT' : 'DOUBLE'})`
  return String(value)
}
