/** Runs a pipeline's tasks on this machine, one after another. */

import type { ParamValues, PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { upstreamOf } from '../define/source-paths.ts'
import { FanmillError } from '../errors/errors.ts'
import type { RunStatus, TaskResult, TaskStatus } from '../model/events.ts'
import { nodeNameOf } from '../model/node-name.ts'
import { outputPathOf } from '../model/output-path.ts'
import { readParams } from '../model/param-values.ts'
import { taskNamed } from '../model/resolve-task.ts'
import { countsOf } from '../model/task-counts.ts'
import { urlBelow } from '../store/roots.ts'
import type { RunOptions } from './run-options.ts'
import type { RunResult } from './run-result.ts'
import { openSession, type Session } from './session.ts'
import { runTask, type TaskEnd } from './task-run.ts'
import { type EndedTask, removeTemporaryRows, runWithRows } from './temporary-rows.ts'

/**
 * Runs a pipeline, or one task of it, given as an imported definition or as a path.
 * A run that fails is a result with `error`; what is wrong before any run begins is thrown. Tasks that read the rows of
 * a failed one are not run, and listed so.
 * @throws DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, NO_INPUT
 */
export async function run(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<RunResult> {
  return runSession(await openSession(pipeline, options))
}

/** Runs the tasks of a session, and closes it. @throws as `run` */
export async function runSession(session: Session): Promise<RunResult> {
  const { options } = session
  try {
    const chosen = options.task === undefined ? session.pipeline.tasks : [taskNamed(session.pipeline, options.task)]
    const result = await runTasks(session, chosen)
    session.emit({ event: 'end', ...result, error: result.error && shortError(result.error) })
    return result
  } finally {
    await session.close()
  }
}

/** Runs tasks one after another. A failed one stops those that read its rows; with `failFast`, or after an abort, it stops all that follow. */
async function runTasks(session: Session, tasks: readonly TaskDefinition[]): Promise<RunResult> {
  const results: TaskResult[] = []
  const stopped = new Set<string>()
  let error: FanmillError | undefined
  for (const [index, task] of tasks.entries()) {
    const end = mustWait(task) ? { result: emptyResult(session, task, 'notRun') } : await runSafely(task, index)
    results.push(end.result)
    error ??= end.error
    if (end.error || end.result.status === 'notRun') stopped.add(task.name)
  }
  await removeTemporaryRows(session, tasks.map(endedTask))
  if (error) return { status: 'failed', tasks: results, error }
  const status: RunStatus = results.every(result => result.status === 'skipped') ? 'skipped' : 'complete'
  return { status, tasks: results }

  function endedTask(task: TaskDefinition, index: number): EndedTask {
    const { status } = results[index] ?? {}
    const params = paramsOf(task, session.options.params ?? {}) ?? {}
    return { task, params, isComplete: status === 'complete' || status === 'skipped' }
  }

  function mustWait({ source }: TaskDefinition): boolean {
    const { failFast, signal } = session.options
    if (error && (failFast || signal?.aborted)) return true
    return stopped.has(upstreamOf(source)?.name ?? '')
  }

  /** Keeps what earlier tasks did in the result; what is wrong before the first one begins is thrown. */
  function runSafely(task: TaskDefinition, index: number): Promise<TaskEnd> {
    return runWithRows(session, task, runTask).catch((thrown: unknown): TaskEnd => {
      if (index === 0 || !(thrown instanceof FanmillError)) throw thrown
      return { result: emptyResult(session, task, 'failed'), error: thrown }
    })
  }
}

/** Creates the result of a task without a run. */
function emptyResult({ options, outputSpec }: Session, task: TaskDefinition, status: TaskStatus): TaskResult {
  const params = paramsOf(task, options.params ?? {})
  return {
    ...nodeNameOf(task.name, params ?? {}),
    runId: '',
    status,
    ...countsOf(undefined),
    membersSkipped: 0,
    partsSkipped: 0,
    rowGroupsSkipped: 0,
    bytesIn: 0,
    bytesInflated: 0,
    seconds: 0,
    output: urlBelow(outputSpec, params ? outputPathOf(task, params) : ''),
  }
}

/** Returns the parameters of a task; undefined when they are wrong. */
function paramsOf(task: TaskDefinition, given: Readonly<Record<string, unknown>>): ParamValues | undefined {
  try {
    return readParams(task.params, given)
  } catch (error) {
    if (error instanceof FanmillError) return undefined
    throw error
  }
}

const shortError = ({ code, message, detail }: FanmillError) => ({ code, message, detail })
