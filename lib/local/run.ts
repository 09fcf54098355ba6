/** Runs a pipeline's tasks on this machine, one after another. */
import type { FanmillError } from '../core/errors.ts'
import type { RunStatus, TaskResult } from '../core/events.ts'
import { taskNamed } from '../core/resolve-task.ts'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import type { RunOptions, RunResult } from './options.ts'
import { openSession, type Session } from './session.ts'
import { runTask } from './task-run.ts'

/**
 * Runs a pipeline, or one task of it, given as an imported definition or as a path.
 * A run that fails is a result with `error`; what is wrong before any run begins is thrown.
 * @throws DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, NO_INPUT
 */
export async function run(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<RunResult> {
  return runSession(await openSession(pipeline, options))
}

/** Runs what a session was opened for, and closes it. @throws as `run` */
export async function runSession(session: Session): Promise<RunResult> {
  const { options } = session
  try {
    const chosen = options.task === undefined ? session.pipeline.tasks : [taskNamed(session.pipeline, options.task)]
    const result = await runTasks(chosen, task => runTask(session, task))
    session.tell({ event: 'end', ...result, ...(result.error && { error: shortError(result.error) }) } as never)
    return result
  } finally {
    session.close()
  }
}

async function runTasks(
  tasks: readonly TaskDefinition[],
  runOne: (task: TaskDefinition) => Promise<{ readonly result: TaskResult; readonly error?: FanmillError }>,
): Promise<RunResult> {
  const results: TaskResult[] = []
  for (const task of tasks) {
    const { result, error } = await runOne(task)
    results.push(result)
    if (error) return { status: 'failed', tasks: results, error }
  }
  const status: RunStatus = results.every(result => result.status === 'skipped') ? 'skipped' : 'complete'
  return { status, tasks: results }
}

const shortError = ({ code, message, detail }: FanmillError) => ({ code, message, detail })
