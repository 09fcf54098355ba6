/** Prints the table at the end of a run. */
import type { TaskResult, TaskStatus } from '../../model/events.ts'
import { reasonsText } from '../../model/run/reason.ts'
import { print, visible } from '../output.ts'
import { formatBytes, formatCount, formatRate } from './amounts.ts'
import { failureText } from './failure.ts'
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
export function printSummary(
  tasks: readonly TaskResult[],
  { isSample = false, execution, output }: SummaryOptions = {},
): void {
  if (tasks.length === 0) return
  const shown = tasks.length > nodesShownMax ? tasks.filter(({ status }) => status !== 'skipped') : tasks
  if (shown.length > 0) print(drawTable(['task', 'status', ...numbers], shown.map(taskRow), { numbers }))
  const flags = execution ? ` ${execution.flags}` : output === undefined ? '' : ` --output ${output}`
  for (const task of shown) {
    const subject = execution?.name ?? task.runId
    const statusCommand = subject === '' ? undefined : `fanmill status ${subject}${flags}`
    const lines = [outcomeLine(task, statusCommand), rejectsLine(task, flags), skippedLine(task, statusCommand)]
    for (const line of lines) if (line !== undefined) print(visible(line))
  }
  if (tasks.length > 1) print(countLine(tasks))
  if (isSample) print('this was a sample: the real output is unchanged')
}

/** With more nodes, those that were complete already are counted, and not listed. */
export const nodesShownMax = 20

export const statusTexts: Readonly<Record<TaskStatus, string>> = {
  complete: 'complete',
  skipped: 'complete already',
  failed: 'failed',
  notRun: 'not run',
}

/** Counts the nodes by their status: `14 nodes: 3 complete, 11 complete already`. */
export function countLine(tasks: readonly Pick<TaskResult, 'status'>[]): string {
  const counts = Object.entries(statusTexts).flatMap(([status, text]) => {
    const count = tasks.filter(task => task.status === status).length
    return count === 0 ? [] : [`${formatCount(count)} ${text}`]
  })
  return `${formatCount(tasks.length)} nodes: ${counts.join(', ')}`
}

function taskRow(task: TaskResult): readonly unknown[] {
  return [
    task.node,
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

function outcomeLine(
  { node, status, output, reasons, error, blockedBy }: TaskResult,
  statusCommand: string | undefined,
): string {
  if (status === 'failed' && statusCommand === undefined) {
    const why = error ? `: ${failureText(error)}` : ', nothing was committed'
    return `${node}: failed before its run began${why}`
  }
  if (status === 'failed') return `${node}: failed, nothing was committed; ${statusCommand}`
  if (status === 'notRun') return `${node}: not run, because ${blockedBy ?? 'another task'} failed`
  if (status === 'skipped') return `${node}: complete already in ${output}`
  return `${node}: complete in ${output}${reasons ? ` (${reasonsText(reasons)})` : ''}`
}

/** Counts the rejected rows of a run, and names the command that prints them. */
function rejectsLine({ node, status, rowsRejected, runId }: TaskResult, flags: string): string | undefined {
  if (rowsRejected === 0 || status === 'skipped' || runId === '') return undefined
  const rows = rowsRejected === 1 ? '1 row was rejected' : `${formatCount(rowsRejected)} rows were rejected`
  return `${node}: ${rows}; fanmill rejects ${runId}${flags}`
}

function skippedLine({ node, membersSkipped }: TaskResult, statusCommand = 'fanmill status'): string | undefined {
  if (membersSkipped === 0) return undefined
  return `${node}: ${formatCount(membersSkipped)} members skipped as bad; ${statusCommand} lists them`
}
