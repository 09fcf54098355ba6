/** Prints runs and executions. */

import type { ExecutedTask } from '../../deployed/execution-tasks.ts'
import type { ExecutionStatus } from '../../deployed/status.ts'
import type { RunSummary } from '../../local/state.ts'
import { paramsText } from '../../model/run/node-name.ts'
import { print, visible } from '../output.ts'
import { formatCount, formatSeconds } from './amounts.ts'
import { paintStatus } from './colours.ts'
import { failureText } from './failure.ts'
import { failureTable, printFaults, skippedTable } from './fault-tables.ts'

/** Prints a run, its progress, and its failures. */
export async function printRun(run: RunSummary): Promise<void> {
  print(`run ${run.runId}, attempt ${run.attempt}: ${paintStatus(run.status)}`)
  print(visible(`task ${run.task} ${paramsText(run.params)}`.trimEnd()))
  print(`${run.batchesDone} of ${run.batches} batches, ${formatCount(run.rowsWritten)} rows`)
  print(visible(`output ${run.output}`))
  if (run.error) print(visible(`${run.status}: ${failureText(run.error)}`))
  if (run.skipped) printSkipped(run.skipped)
  if (run.failures.length > 0) printFaults(failureTable(run.failures))
}

/** Prints the first skipped members, and the files that list all of them. */
function printSkipped({ count, first, files }: NonNullable<RunSummary['skipped']>): void {
  print(`${formatCount(count)} members skipped`)
  printFaults(skippedTable(first))
  if (files.length > 0) print(visible(`every one: ${files.join(', ')}`))
}

/** Prints an execution, its tasks, and their runs. */
export async function printExecution(execution: ExecutionStatus, runs: readonly RunSummary[]): Promise<void> {
  const { name, status, startedAt, endedAt, startedBy, continuedBy, tasks, fault } = execution
  const seconds = endedAt && formatSeconds(Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1000))
  print(`${visible(`execution ${name}`)}: ${paintStatus(status)}${seconds === undefined ? '' : ` after ${seconds}`}`)
  print(visible(`started ${[startedAt, startedBy].filter(Boolean).join(', ')}`))
  if (continuedBy !== undefined) print(visible(`continued by execution ${continuedBy.split(':').at(-1)}`))
  if (fault) print(visible(`ended: ${failureText(fault)}`))
  // The error of a run is more precise than that of its task, and is printed with the run.
  const withError = runs.filter(run => run.error).map(run => run.runId)
  for (const task of tasks) print(visible(taskText(task, withError.includes(task.run?.runId ?? ''))))
  for (const run of runs) await printRun(run)
}

function taskText({ task, node, status, run, fault }: ExecutedTask, isPrinted: boolean): string {
  const runText = run?.runId === undefined ? '' : ` (run ${run.runId})`
  const why = fault && !isPrinted ? ` ${failureText(fault)}` : ''
  return `${node ? `node ${node}` : `task ${task}`}: ${taskTexts[status]}${runText}${why}`
}

const taskTexts: Readonly<Record<ExecutedTask['status'], string>> = {
  more: 'being planned',
  wait: 'waiting for another execution, or for more uploads',
  unsettled: 'being planned, after an interrupted commit',
  planned: 'being processed',
  committed: 'complete',
  superseded: 'superseded by a later run, nothing to do',
  complete: 'complete already, nothing to do',
  busy: 'processed by another execution',
  continued: 'continued by another execution, after a long wait',
  ignored: 'not requested',
  failed: 'failed',
  waiting: 'waiting for what it requires',
  notRun: 'not run, because another task did not end well',
}
