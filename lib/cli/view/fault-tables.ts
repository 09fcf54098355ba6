/** Arranges rejected rows, failed batches and skipped members as tables. */
import type { NodeReject } from '../../local/state.ts'
import type { Failure } from '../../model/outcome/outcome.ts'
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

/** Arranges rejected rows, with the nodes that rejected them where they are known. */
export function rejectTable(rejects: readonly NodeReject[]): FaultTable {
  const titles = ['archive', 'member', 'line', 'column', 'expected', 'received'] as const
  const hasNodes = rejects.some(({ node }) => node !== undefined)
  return tableOf(hasNodes ? ['node', ...titles] : titles, rejects, ['line'])
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
