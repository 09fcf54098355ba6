/** Runs a pipeline on this machine: the tasks that are asked for, and all that they require. */
import type { PipelineDefinition } from '../define/definition.ts'
import { resolveGraph } from '../graph/resolve-graph.ts'
import type { RunOptions } from './options/run-options.ts'
import { openSession, type Session, type SessionTuning } from './session.ts'
import type { RunResult } from './task-context.ts'
import { shortError } from './task-result.ts'
import { walkGraph } from './walk/walk.ts'

/**
 * Runs a pipeline, or some tasks of it with what they require, given as an imported definition or as a path.
 * A run that fails is a result with `error`; what is wrong before any run begins is thrown. What depends on a failed task is not
 * run, and listed so.
 * @throws DEFINITION_*, SQL_*, PARAM_*, GRAPH_*, TASK_UNKNOWN, COLUMNS_MISSING, NO_INPUT
 */
export async function run(
  pipeline: PipelineDefinition | string,
  options: RunOptions = {},
  tuning?: SessionTuning,
): Promise<RunResult> {
  return runSession(await openSession(pipeline, options, tuning))
}

/** Runs the tasks of a session, and closes it. @throws as `run` */
export async function runSession(session: Session): Promise<RunResult> {
  const { task, params } = session.options
  try {
    const graph = resolveGraph(session.pipeline, { tasks: task, params }, session.codeHash)
    const result = await walkGraph(session, graph)
    session.emit({ event: 'end', ...result, error: result.error && shortError(result.error) })
    return result
  } finally {
    await session.close()
  }
}
