/** Runs a pipeline's tasks on this machine, one after another. */
import type { FanmillError } from '../core/errors.ts'
import type { RunStatus, TaskResult } from '../core/events.ts'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { taskNamed } from '../worker-thread.ts'
import type { RunOptions, RunResult } from './options.ts'
import { openSession } from './session.ts'
import { runTask } from './task-run.ts'

/**
 * Runs a pipeline, or one task of it, given as an imported definition or as a path.
 * A run that fails is a result with `error`; what is wrong before any run begins is thrown.
 * @throws DEFINITION_*, SQL_*, PARAM_INVALID, TASK_UNKNOWN, COLUMNS_MISSING, NO_INPUT
 */
export async function run(pipeline: PipelineDefinition | string, options: RunOptions = {}): Promise<RunResult> {
  const session = await openSession(pipeline, options)
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
