/** Prints the table at the end of a run. */
import type { TaskResult } from '../model/events.ts'
import { formatBytes, formatCount, formatRate } from './amounts.ts'
import { print, visible } from './output.ts'
import { drawTable } from './table.ts'

const numbers = ['rows', 'rejects', 'members', 'parts', 'bytes in', 'bytes out', 'seconds', 'MB/s inflated']

export interface SummaryOptions {
  readonly isSample?: boolean | undefined
  /** The execution of a deployed run, and the flags that name its pipeline. */
  readonly execution?: { readonly name: string; readonly flags: string } | undefined
  /** Output root of the run, when it is not the one that commands use by default. */
  readonly output?: string | undefined
}

/** Prints the result of each task, and where its dataset is. */
export async function printSummary(
  tasks: readonly TaskResult[],
  { isSample = false, execution, output }: SummaryOptions = {},
): Promise<void> {
  if (tasks.length === 0) return
  print(await drawTable(['task', 'status', ...numbers], tasks.map(taskRow), { numbers }))
  const flags = execution ? ` ${execution.flags}` : output === undefined ? '' : ` --output ${output}`
  for (const task of tasks) {
    const subject = execution?.name ?? task.runId
    const statusCommand = subject === '' ? undefined : `fanmill status ${subject}${flags}`
    const lines = [outcomeLine(task, statusCommand), rejectsLine(task, flags), skippedLine(task, statusCommand)]
    for (const line of lines) if (line !== undefined) print(visible(line))
  }
  if (isSample) print('this was a sample: the real output is unchanged')
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

function outcomeLine({ task, status, output }: TaskResult, statusCommand: string | undefined): string {
  if (status === 'failed' && statusCommand === undefined)
    return `${task}: failed before its run began, nothing was committed`
  if (status === 'failed') return `${task}: failed, nothing was committed; ${statusCommand}`
  if (status === 'notRun') return `${task}: not run, because a task before it failed`
  if (status === 'skipped') return `${task}: complete already in ${output}`
  return `${task}: complete in ${output}`
}

/** Counts the rejected rows of a run, and names the command that prints them. */
function rejectsLine({ task, status, rowsRejected, runId }: TaskResult, flags: string): string | undefined {
  if (rowsRejected === 0 || status === 'skipped' || runId === '') return undefined
  const rows = rowsRejected === 1 ? '1 row was rejected' : `${formatCount(rowsRejected)} rows were rejected`
  return `${task}: ${rows}; fanmill rejects ${runId}${flags}`
}

function skippedLine({ task, membersSkipped }: TaskResult, statusCommand = 'fanmill status'): string | undefined {
  if (membersSkipped === 0) return undefined
  return `${task}: ${formatCount(membersSkipped)} members skipped as bad; ${statusCommand} lists them`
}
