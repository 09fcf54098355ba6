/** Converts the totals of a run to the counts in a task's result. */
import type { TaskResult } from '../events.ts'
import { addTotals, type Totals } from './manifest.ts'

export type TaskCounts = Pick<
  TaskResult,
  'rowsRead' | 'rowsWritten' | 'rowsRejected' | 'rowsFiltered' | 'members' | 'parts' | 'bytesOut'
>

/** Returns zeros where nothing was committed. */
export function countsOf({ rows, bytes, ...counts }: Totals = addTotals([])): TaskCounts {
  return { ...counts, rowsWritten: rows, bytesOut: bytes }
}
