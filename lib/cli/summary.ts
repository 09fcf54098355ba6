/** The table at the end of a run. */
import type { TaskResult } from '../core/events.ts'
import { formatBytes, formatCount, formatRate } from './amounts.ts'
import { print, visible } from './output.ts'
import { drawTable } from './table.ts'

const numbers = ['rows', 'rejects', 'members', 'parts', 'bytes in', 'bytes out', 'seconds', 'MB/s']

/** Prints what became of each task, and where its dataset is. */
export async function printSummary(tasks: readonly TaskResult[], { sample = false } = {}): Promise<void> {
  if (tasks.length === 0) return
  print(await drawTable(['task', 'status', ...numbers], tasks.map(taskRow), { numbers }))
  for (const task of tasks) print(visible(outcomeLine(task)))
  if (sample) print('this was a sample: the real output is as it was')
}

function taskRow(task: TaskResult): readonly unknown[] {
  return [
    task.task,
    task.status,
    formatCount(task.rowsWritten),
    formatCount(task.rowsRejected),
    formatCount(task.members),
    formatCount(task.parts),
    formatBytes(task.bytesIn),
    formatBytes(task.bytesOut),
    task.seconds.toFixed(2),
    formatRate(task.bytesIn, task.seconds),
  ]
}

function outcomeLine({ task, status, output, run }: TaskResult): string {
  if (status === 'failed') return `${task}: failed, nothing was committed; fanmill status ${run}`
  if (status === 'skipped') return `${task}: complete already in ${output}`
  return `${task}: complete in ${output}`
}
