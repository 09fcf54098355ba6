/** Arranges rejected rows, failed batches and skipped members as tables. */
import type { Failure } from '../../model/outcome/outcome.ts'
import type { Reject } from '../../model/outcome/reject.ts'
import type { SkippedMember } from '../../model/outcome/skipped-member.ts'
import { printTable, type TableOptions } from './table.ts'

/** Titles and rows, and the titles of the columns that hold numbers. */
export interface FaultTable extends Required<Pick<TableOptions, 'numbers'>> {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Prints a table, or `otherwise` when it has no rows. */
export function printFaults({ titles, rows, numbers }: FaultTable, otherwise?: string): void {
  printTable(titles, rows, { numbers, otherwise })
}

export function rejectTable(rejects: readonly Reject[]): FaultTable {
  return tableOf(['archive', 'member', 'line', 'column', 'expected', 'received'], rejects, ['line'])
}

/** Arranges failures of batches, from `status` or from the detail of BATCHES_FAILED. */
export function failureTable(failures: readonly Partial<Failure>[]): FaultTable {
  const titles = ['batch', 'code', 'member', 'line', 'message'] as const
  const hasValues = failures.some(({ received }) => received !== undefined)
  return tableOf(hasValues ? [...titles, 'received'] : titles, failures, ['batch', 'line'])
}

/** Arranges skipped members; the message names the archive. */
export function skippedTable(members: readonly SkippedMember[]): FaultTable {
  return tableOf(['member', 'code', 'message'], members, [])
}

function tableOf<T>(titles: readonly (keyof T & string)[], items: readonly T[], numbers: readonly string[]) {
  return { titles, rows: items.map(item => titles.map(title => item[title])), numbers }
}
