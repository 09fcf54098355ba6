/** Creates the result of a task, for events and summaries. */
import type { FanmillError } from '../errors/errors.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import type { RunStatus, TaskResult, TaskStatus } from '../model/events.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { countsOf } from '../model/outcome/task-counts.ts'
import { nodeNameOf } from '../model/run/node-name.ts'
import { urlBelow } from '../store/roots.ts'
import type { Session } from './session.ts'
import type { BegunTask, TaskNode } from './task-context.ts'

export function resultOf(
  begun: BegunTask,
  runId: string,
  status: RunStatus,
  manifest: Manifest | undefined,
  found: FoundInputs,
): TaskResult {
  const run = manifest?.runs.find(each => each.runId === runId)
  return {
    ...emptyResult(begun.session, begun, status),
    runId,
    // A task that was skipped reports the whole dataset: an append that finds nothing new has no run of its own.
    ...countsOf(status === 'skipped' ? manifest?.totals : run?.totals),
    membersSkipped: run?.skipped?.count ?? 0,
    ...(status === 'complete' && readBy(begun, found)),
    seconds: (performance.now() - begun.started) / 1000,
  }
}

/** Returns what a run has read. The bytes are known before they are read, except for Parquet. */
const readBy = ({ task, progress }: BegunTask, { partsSkipped = 0, bytesIn }: FoundInputs): Partial<TaskResult> => ({
  partsSkipped,
  rowGroupsSkipped: progress.rowGroupsSkipped(),
  bytesIn: task.source.format?.kind === 'parquet' ? progress.bytesIn() : bytesIn,
  bytesInflated: progress.bytesInflated(),
})

/** Creates the result of a node without a run. */
export function emptyResult(
  { outputSpec }: Pick<Session, 'outputSpec'>,
  { task, params, outputPath }: Pick<TaskNode, 'task' | 'params' | 'outputPath'>,
  status: TaskStatus,
): TaskResult {
  return {
    ...nodeNameOf(task.name, params),
    runId: '',
    status,
    ...countsOf(undefined),
    ...{ membersSkipped: 0, partsSkipped: 0, rowGroupsSkipped: 0, bytesIn: 0, bytesInflated: 0, seconds: 0 },
    output: urlBelow(outputSpec, outputPath),
  }
}

/** Returns the counts of a run that failed for too many rejects, although nothing was committed. */
export function rejectedCounts({ code, detail }: FanmillError): Partial<TaskResult> {
  if (code !== 'REJECTS_OVER_LIMIT') return {}
  return { rowsRead: Number(detail.records), rowsRejected: Number(detail.rejected) }
}

/** Returns the fields of an error that events have. */
export const shortError = ({ code, message, detail }: FanmillError) => ({ code, message, detail })
