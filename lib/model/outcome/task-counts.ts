/** Converts the totals of a run to the counts in a task's result. */
import type { TaskResult } from '../events.ts'
import type { Totals } from './manifest.ts'

export type TaskCounts = Pick<
  TaskResult,
  'rowsRead' | 'rowsWritten' | 'rowsRejected' | 'rowsFiltered' | 'members' | 'parts' | 'bytesOut'
>

/** Returns zeros where nothing was committed. */
export function countsOf(totals: Totals | undefined): TaskCounts {
  return {
    rowsRead: totals?.rowsRead ?? 0,
    rowsWritten: totals?.rows ?? 0,
    rowsRejected: totals?.rowsRejected ?? 0,
    rowsFiltered: totals?.rowsFiltered ?? 0,
    members: totals?.members ?? 0,
    parts: totals?.parts ?? 0,
    bytesOut: totals?.bytes ?? 0,
  }
}
