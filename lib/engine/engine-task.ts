/** What the engine needs of a task's definition, once its parameters are known. */

import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { hiveNamesOf } from '../define/hive-names.ts'
import { PermanentError } from '../errors/errors.ts'
import { resolveSteps } from '../model/resolve-task.ts'
import type { EngineTask } from './task-engine.ts'

export interface EngineTaskOptions {
  readonly params: ParamValues
  /** Default as the task says. */
  readonly strict?: boolean | undefined
}

/** @throws DEFINITION_INVALID for a task that reads no rows; what a step's function of the parameters throws */
export function engineTask(task: TaskDefinition, { params, strict = task.strict }: EngineTaskOptions): EngineTask {
  const { output, source } = task
  if (output.kind !== 'parquet' || !source.format)
    throw new PermanentError('DEFINITION_INVALID', `task ${task.name}: a format is needed for Parquet output`)
  return {
    format: source.format,
    columns: task.columns ?? {},
    steps: resolveSteps(task, params),
    tables: Object.keys(task.tables),
    hive: hiveNamesOf(source),
    readsHive: source.hive !== false,
    strict,
    provenance: task.provenance,
    keepNew: task.onNewColumn === 'keep',
    onNewColumn: task.onNewColumn,
    onMissingColumn: task.onMissingColumn,
    parts: output,
    ...(task.checks && { checks: task.checks }),
  }
}
