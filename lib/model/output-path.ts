/** Names the path to which a task writes under given parameters. */
import { createHash } from 'node:crypto'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import { renderPath } from '../paths/path-template.ts'
import { canonicalJson } from './run-identity.ts'

/** Returns the path of the output under the output root. `{salt}` is a hash of task and parameters. @throws PARAM_INVALID as `renderPath` */
export function outputPathOf({ name, output }: Pick<TaskDefinition, 'name' | 'output'>, params: ParamValues): string {
  return renderPath(output.path, pathValues(name, params))
}

/** Returns the values of the placeholders in paths to which a task writes. */
export const pathValues = (task: string, params: ParamValues): ParamValues => ({
  ...params,
  task,
  salt: saltOf(task, params),
})

/** Returns 10 hexadecimal digits: a short name for a folder that no other parameters of the task share. */
function saltOf(task: string, params: ParamValues): string {
  return createHash('sha256').update(canonicalJson({ task, params })).digest('hex').slice(0, 10)
}
