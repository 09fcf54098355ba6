/** Waits for an execution of a deployed pipeline, and emits the events that a run on a laptop emits. */
import { setTimeout as pause } from 'node:timers/promises'
import { throwIfAborted } from '../errors/abort.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import type { RunResult } from '../local/task-context.ts'
import type { RunEvent, RunStatus, TaskResult } from '../model/events.ts'
import { countsOf } from '../model/outcome/task-counts.ts'
import { attemptText, type RunName } from '../model/run/identity.ts'
import { nodeNameOf } from '../model/run/node-name.ts'
import { committedRun } from '../runs/runs.ts'
import { readState } from '../state/files.ts'
import { readManifest, readRunEnd, runKeys, successKey } from '../state/state.ts'
import { urlBelow } from '../store/roots.ts'
import type { Deployed } from './deployed.ts'
import type { ExecutedTask } from './execution-tasks.ts'
import { readExecution } from './executions.ts'
import { executionOperations, isActive, taskOperations } from './operations-by-status.ts'
import { followRun, type RunFollower } from './run.ts'
import { type ExecutionStatus, readStatus } from './status.ts'

export interface WaitOptions {
  /** Ends the waiting, not the execution. */
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
}

/** Returns the result of the execution when it has ended. @throws ABORTED when the signal is; AWS_REFUSED, AWS_FAILED */
export async function waitFor(
  deployed: Deployed,
  arn: string,
  { signal, onEvent = () => {} }: WaitOptions = {},
): Promise<RunResult> {
  const followers = new Map<string, RunFollower>()
  let current = arn
  for (;;) {
    throwIfAborted(signal)
    const status = await readStatus(deployed, await readExecution(deployed, current))
    await follow(deployed, status.tasks, { followers, onEvent })
    if (!isActive(status)) {
      if (status.continuedBy === undefined) return readResult(deployed, status, followers)
      current = status.continuedBy
    }
    await pause(pollMs, undefined, signal && { signal }).catch(() => undefined)
  }
}

/** About three requests each time, far below the limits of AWS. */
const pollMs = 2000

interface FollowContext {
  readonly followers: Map<string, RunFollower>
  readonly onEvent: (event: RunEvent) => void
}

async function follow(deployed: Deployed, tasks: readonly ExecutedTask[], { followers, onEvent }: FollowContext) {
  for (const { run } of tasks) {
    const name = nameOf(run)
    if (!name) continue
    const key = attemptText(name)
    const follower = followers.get(key) ?? (await followRun(deployed, name, onEvent))
    if (!follower) continue
    followers.set(key, follower)
    await follower.poll()
  }
}

const nameOf = ({ runId, attempt }: Partial<RunName> = {}): RunName | undefined =>
  runId === undefined || attempt === undefined ? undefined : { runId, attempt }

async function readResult(
  deployed: Deployed,
  status: ExecutionStatus,
  followers: FollowContext['followers'],
): Promise<RunResult> {
  const tasks: TaskResult[] = []
  for (const task of status.tasks) {
    const { result } = taskOperations[task.status]
    if (result) tasks.push(await readTaskResult(deployed, { task, result, status, followers }))
  }
  if (executionOperations[status.status].end === 'good') {
    const all: RunStatus = tasks.every(task => task.status === 'skipped') ? 'skipped' : 'complete'
    return { status: all, tasks }
  }
  return { status: 'failed', tasks, error: await readError(deployed, status) }
}

interface TaskEnd {
  readonly task: ExecutedTask
  readonly result: TaskResult['status']
  readonly status: ExecutionStatus
  readonly followers: FollowContext['followers']
}

async function readTaskResult(deployed: Deployed, { task, result, status, followers }: TaskEnd): Promise<TaskResult> {
  const { store, outputSpec } = deployed
  const { counts } = taskOperations[task.status]
  const name = nameOf(task.run)
  const follower = name && followers.get(attemptText(name))
  const outputPath = follower?.record.outputPath ?? task.outputPath
  const isDone = counts === 'run'
  const done = isDone ? follower : undefined
  // A complete task has the rows of its whole dataset, because an append that finds nothing new has no run of its own.
  const path = counts === 'dataset' ? outputPath : undefined
  const dataset = path === undefined ? undefined : await readState(store, successKey(path), readManifest)
  const committed =
    isDone && name ? await committedRun(store, name) : dataset?.runs.find(({ runId }) => runId === task.run?.runId)
  return {
    ...nodeNameOf(task.task, task.params ?? follower?.record.params ?? committed?.params ?? {}),
    runId: task.run?.runId ?? '',
    status: result,
    ...countsOf(dataset?.totals ?? committed?.totals),
    membersSkipped: committed?.skipped?.count ?? 0,
    partsSkipped: done?.record.partsSkipped ?? 0,
    rowGroupsSkipped: done?.rowGroupsSkipped() ?? 0,
    bytesIn: done?.bytesIn() ?? 0,
    bytesInflated: done?.bytesInflated() ?? 0,
    seconds: secondsBetween(status.startedAt, (isDone && committed?.finishedAt) || status.endedAt || status.startedAt),
    output: outputPath === undefined ? deployed.output : urlBelow(outputSpec, outputPath),
  }
}

const secondsBetween = (from: string, to: string): number => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)

/** Prefers the error in the run's state, which has details that the state machine does not carry. */
async function readError({ store }: Deployed, status: ExecutionStatus): Promise<FanmillError> {
  const failed = status.tasks.find(task => task.fault)
  const name = nameOf(failed?.run)
  const end = name && (await readState(store, runKeys(name).end, readRunEnd))
  if (failed?.fault && end?.error?.code === failed.fault.code && end?.error?.code !== undefined)
    return new PermanentError(end.error.code, end.error.message, end.error.detail)
  if (failed?.fault) return new PermanentError(failed.fault.code ?? 'EXECUTION_FAILED', failed.fault.message)
  const { message } = status.fault ?? { message: 'it failed without an error message' }
  const what = `execution ${status.name} ended as ${status.status}: ${message}; fanmill retry continues with the missing batches`
  return new PermanentError('EXECUTION_FAILED', what, { execution: status.arn })
}
