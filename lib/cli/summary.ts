/** The table at the end of a run. */
import type { TaskResult } from '../model/events.ts'
import { formatBytes, formatCount, formatRate } from './amounts.ts'
import { print, visible } from './output.ts'
import { drawTable } from './table.ts'

const numbers = ['rows', 'rejects', 'members', 'parts', 'bytes in', 'bytes out', 'seconds', 'MB/s inflated']

export interface SummaryOptions {
  readonly isSample?: boolean | undefined
  /** What `fanmill status` takes to tell more; default the run. */
  readonly about?: string | undefined
  /** The output root to name, where it is not the one that commands look into by themselves. */
  readonly output?: string | undefined
}

/** Prints what became of each task, and where its dataset is. */
export async function printSummary(
  tasks: readonly TaskResult[],
  { isSample = false, about, output }: SummaryOptions = {},
): Promise<void> {
  if (tasks.length === 0) return
  print(await drawTable(['task', 'status', ...numbers], tasks.map(taskRow), { numbers }))
  for (const task of tasks) {
    print(visible(outcomeLine(task, about, output)))
    const rejects = rejectsLine(task, about === undefined ? whereText(output) : about.slice(about.indexOf(' ')))
    if (rejects !== undefined) print(visible(rejects))
    if (task.membersSkipped > 0) print(visible(skippedLine(task, about, output)))
  }
  if (isSample) print('this was a sample: the real output is as it was')
}

function taskRow(task: TaskResult): readonly unknown[] {
  return [
    task.task,
    task.status === 'notRun' ? 'not run' : task.status,
    formatCount(task.rowsWritten),
    formatCount(task.rowsRejected),
    formatCount(task.members),
    formatCount(task.parts),
    formatBytes(task.bytesIn),
    formatBytes(task.bytesOut),
    task.seconds.toFixed(2),
    task.bytesInflated === 0 ? '-' : formatRate(task.bytesInflated, task.seconds),
  ]
}

function skippedLine({ task, membersSkipped, run }: TaskResult, about = run, root?: string): string {
  const where = whereText(root)
  return `${task}: ${formatCount(membersSkipped)} members skipped as bad; fanmill status ${about}${where} lists them`
}

function outcomeLine({ task, status, output, run }: TaskResult, about = run, root?: string): string {
  const where = whereText(root)
  if (status === 'failed' && about === '') return `${task}: failed before its run began, nothing was committed`
  if (status === 'failed') return `${task}: failed, nothing was committed; fanmill status ${about}${where}`
  if (status === 'notRun') return `${task}: not run, because a task before it failed`
  if (status === 'skipped') return `${task}: complete already in ${output}`
  return `${task}: complete in ${output}`
}

const whereText = (root: string | undefined): string => (root === undefined ? '' : ` --output ${root}`)

/** How many rows a run rejected, and the command that shows them. */
function rejectsLine({ task, status, rowsRejected, run }: TaskResult, where: string): string | undefined {
  if (rowsRejected === 0 || status === 'skipped' || run === '') return undefined
  const rows = rowsRejected === 1 ? '1 row was rejected' : `${formatCount(rowsRejected)} rows were rejected`
  return `${task}: ${rows}; fanmill rejects ${run}${where}`
}
