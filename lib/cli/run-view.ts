/** How runs and executions are shown. */

import type { ParamValues } from '../define/definition.ts'
import type { ExecutedTask } from '../deployed/execution-tasks.ts'
import type { ExecutionStatus } from '../deployed/status.ts'
import type { RunSummary } from '../local/state.ts'
import { formatCount, formatSeconds } from './amounts.ts'
import { paintStatus } from './colours.ts'
import { failureTable, skippedTable } from './fault-tables.ts'
import { print, visible } from './output.ts'
import { printTable } from './table.ts'

/** A run, how far it is, and what failed in it. */
export async function printRun(run: RunSummary): Promise<void> {
  print(`run ${run.runId}, attempt ${run.attempt}: ${paintStatus(run.status)}`)
  print(visible(`task ${run.task} ${paramsText(run.params)}`.trimEnd()))
  print(`${run.batchesDone} of ${run.batches} batches, ${formatCount(run.rows)} rows`)
  print(visible(`output ${run.output}`))
  if (run.error) print(visible(`${run.status}: ${[run.error.code, run.error.message].filter(Boolean).join(' ')}`))
  if (run.skipped) await printSkipped(run.skipped)
  if (run.failures.length === 0) return
  const { titles, rows, numbers } = failureTable(run.failures)
  await printTable(titles, rows, { numbers })
}

/** Members that were passed over: the first, and where every one is listed. */
async function printSkipped({ count, first, files }: NonNullable<RunSummary['skipped']>): Promise<void> {
  print(`${formatCount(count)} members skipped`)
  const { titles, rows } = skippedTable(first)
  await printTable(titles, rows)
  if (files.length > 0) print(visible(`every one: ${files.join(', ')}`))
}

/** An execution, its tasks, and their runs. */
export async function printExecution(execution: ExecutionStatus, runs: readonly RunSummary[]): Promise<void> {
  const { name, status, startedAt, endedAt, startedBy, continuedBy, tasks, fault } = execution
  const seconds = endedAt && formatSeconds(Math.round((Date.parse(endedAt) - Date.parse(startedAt)) / 1000))
  print(`${visible(`execution ${name}`)}: ${paintStatus(status)}${seconds === undefined ? '' : ` after ${seconds}`}`)
  print(visible(`started ${[startedAt, startedBy].filter(Boolean).join(', ')}`))
  if (continuedBy !== undefined) print(visible(`continued by execution ${continuedBy.split(':').at(-1)}`))
  if (fault) print(visible(`ended: ${[fault.code, fault.message].filter(Boolean).join(' ')}`))
  // What a run says itself of its failure says more.
  const told = runs.filter(run => run.error).map(run => run.runId)
  for (const task of tasks) print(visible(`task ${task.task}: ${taskText(task, told.includes(task.run?.runId ?? ''))}`))
  for (const run of runs) await printRun(run)
}

export function paramsText(params: ParamValues): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

function taskText({ status, run, fault }: ExecutedTask, isTold: boolean): string {
  const of = run?.runId === undefined ? '' : ` (run ${run.runId})`
  const why = fault && !isTold ? ` ${[fault.code, fault.message].filter(Boolean).join(' ')}` : ''
  return `${taskTexts[status]}${of}${why}`
}

const taskTexts: Readonly<Record<ExecutedTask['status'], string>> = {
  more: 'being planned',
  wait: 'waiting for another execution, or for more uploads',
  unsettled: 'being planned, after a commit that did not end',
  planned: 'being processed',
  committed: 'complete',
  superseded: 'superseded by a later run, nothing to do',
  complete: 'complete already, nothing to do',
  busy: 'left to another execution',
  continued: 'waited long, and is continued by another execution',
  ignored: 'not asked for',
  failed: 'failed',
}
