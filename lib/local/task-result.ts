/** Creates the result of a task, for events and summaries. */
import type { FanmillError } from '../errors/errors.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import type { RunStatus, TaskResult } from '../model/events.ts'
import type { Manifest } from '../model/manifest.ts'
import { nodeNameOf } from '../model/node-name.ts'
import { outputPathOf } from '../model/output-path.ts'
import { countsOf } from '../model/task-counts.ts'
import { urlBelow } from '../store/roots.ts'
import type { TaskRun } from './task-context.ts'

export function resultOf(
  { session, task, params, started, progress }: TaskRun,
  runId: string,
  status: RunStatus,
  manifest: Manifest | undefined,
  found: FoundInputs,
): TaskResult {
  const run = manifest?.runs.find(each => each.runId === runId)
  return {
    ...nodeNameOf(task.name, params),
    runId,
    status,
    // A task that was skipped reports the whole dataset: an append that finds nothing new has no run of its own.
    ...countsOf(status === 'skipped' ? manifest?.totals : run?.totals),
    membersSkipped: run?.skipped?.count ?? 0,
    partsSkipped: status === 'complete' ? (found.partsSkipped ?? 0) : 0,
    rowGroupsSkipped: status === 'complete' ? progress.rowGroupsSkipped() : 0,
    bytesIn: status === 'complete' ? bytesRead(task, found, progress) : 0,
    bytesInflated: status === 'complete' ? progress.bytesInflated() : 0,
    seconds: (Date.now() - started) / 1000,
    output: urlBelow(session.outputSpec, outputPathOf(task, params)),
  }
}

/** Returns the bytes that were read, which are known before they are read except for Parquet. */
const bytesRead = ({ source }: TaskRun['task'], { bytesIn }: FoundInputs, progress: TaskRun['progress']): number =>
  source.format?.kind === 'parquet' ? progress.bytesIn() : bytesIn

/** Returns the counts of a run that failed for too many rejects, although nothing was committed. */
export function rejectedCounts({ code, detail }: FanmillError): Partial<TaskResult> {
  if (code !== 'REJECTS_OVER_LIMIT') return {}
  return { rowsRead: Number(detail.records), rowsRejected: Number(detail.rejected) }
}
