/** Checks the accounts of a run: every planned slice and member was processed once, and no row was lost or doubled. */
import { joinSides } from '../define/steps/join-definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { PlanItem } from '../model/plan-data.ts'
import { sumFields } from '../model/sum-fields.ts'
import { typeName } from '../model/type-names.ts'

/** The part of a plan item that commit needs. */
export type PlannedBatch = Pick<PlanItem, 'batch' | 'sliceCount' | 'memberCount'>

/**
 * Checks each outcome against its batch, and against its own sums.
 * @throws ACCOUNT_MISMATCH with the batch, the expected number and the number of the outcome
 */
export function checkAccounts(plan: readonly PlannedBatch[], outcomes: readonly Outcome[]): void {
  checkSchemas(outcomes.map(outcome => outcome.schema))
  const byBatch = new Map(plan.map(item => [item.batch, item]))
  const slices = new Set<number>()
  for (const outcome of outcomes) {
    const item = byBatch.get(outcome.batch)
    if (!item) throw mismatch(outcome, 'a batch of the plan', `batch ${outcome.batch}`)
    byBatch.delete(outcome.batch)
    for (const slice of outcome.slices) {
      if (slices.has(slice)) throw mismatch(outcome, 'every slice once', `slice ${slice} twice`)
      slices.add(slice)
    }
    checkCounts(item, outcome)
  }
  const [missing] = byBatch.keys()
  if (missing !== undefined)
    throw new PermanentError('ACCOUNT_MISMATCH', `batch ${missing} has no outcome`, { missing })
}

/** Checks that a stage read each row that the stage before wrote. @throws ACCOUNT_MISMATCH */
export function checkExchanged(earlier: readonly Outcome[], outcomes: readonly Outcome[]): void {
  const [first] = outcomes
  if (first?.side !== undefined) return
  const before = earlier.filter(outcome => outcome.exchange && readerOf(outcome) === (first?.stage ?? 0))
  if (before.length === 0) return
  const { rowsWritten } = sumFields(before, ['rowsWritten'])
  const { rowsRead } = sumFields(outcomes, ['rowsRead'])
  if (rowsWritten === rowsRead) return
  const message = `expected ${rowsWritten} rows of the stage before, got ${rowsRead}; rows may be lost, so nothing was committed`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { rowsWritten, rowsRead })
}

/** Returns the stage that reads the rows of an outcome: after the sides of a join comes the stage that joins them. */
const readerOf = ({ stage = 0, side }: Outcome): number => (side === undefined ? stage : joinSides.length - 1) + 1

/**
 * Checks that all parts have the same columns, in any order. They differ when a task without `columns` reads Parquet files that
 * differ. @throws INPUT_INVALID
 */
export function checkSchemas(schemas: readonly Outcome['schema'][]): void {
  const texts = schemas.filter(schema => schema.length > 0).map(schemaText)
  const other = texts.find(text => text !== texts[0])
  if (other === undefined) return
  const message = `expected the same columns in all files, got ${texts[0]} and ${other}; declare \`columns\` in the task`
  throw new PermanentError('INPUT_INVALID', message, { columns: texts[0], other })
}

const schemaText = (schema: Outcome['schema']): string =>
  schema
    .map(({ name, type }) => `${name} ${typeName(type)}`)
    .sort()
    .join(', ')

function checkCounts(item: PlannedBatch, outcome: Outcome): void {
  const { rowsRead, rowsRejected, rowsWritten, recordsFound, members, membersSkipped = 0 } = outcome
  const same = (what: string, expected: number, got: number) => {
    if (expected !== got) throw mismatch(outcome, `${expected} ${what}`, `${got}`)
  }
  same('slices', item.sliceCount, outcome.slices.length)
  same('members', item.memberCount, members + membersSkipped)
  same('records found in the text = rows read + rejected', recordsFound, rowsRead + rowsRejected)
  const inParts = outcome.parts.reduce((total, part) => total + part.rows, 0)
  const exchanged = (outcome.exchange?.files ?? []).reduce((total, file) => total + file.rows, 0)
  if (outcome.delivered) same('rows written = rows of the calls of the sink', rowsWritten, outcome.delivered.rows)
  else if (outcome.files === undefined) same('rows written = rows of the parts', rowsWritten, inParts + exchanged)
}

function mismatch(outcome: Outcome, expected: string, got: string): PermanentError {
  const message = `batch ${outcome.batch}: expected ${expected}, got ${got}; rows may be lost, so nothing was committed`
  return new PermanentError('ACCOUNT_MISMATCH', message, { batch: outcome.batch, runId: outcome.runId, expected, got })
}
