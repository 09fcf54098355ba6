/** Names the path to which a task writes under given parameters. */
import { createHash } from 'node:crypto'
import type { ParamValues, TaskDefinition } from '../../define/definition.ts'
import { isSalted } from '../../define/outputs/output-kind.ts'
import { matchPath, renderPath } from '../../paths/path-template.ts'
import { canonicalJson } from './identity.ts'

/**
 * Returns the path of the output under the output root. `{salt}` is a hash of task and parameters, and in a salted output of `lineage`:
 * the code and all that the task requires, as its node of a graph has it. Other outputs need none.
 * @throws PARAM_INVALID as `renderPath`
 */
export function outputPathOf(
  { name, output }: Pick<TaskDefinition, 'name' | 'output'>,
  params: ParamValues,
  lineage: string | undefined,
): string {
  if (!isSalted(output)) return renderPath(output.path, pathValues(name, params))
  if (lineage === undefined) throw new TypeError(`expected the lineage of ${name}, whose output is salted`)
  return renderPath(output.path, { ...params, task: name, salt: saltOf({ task: name, params, lineage }) })
}

/** Returns the values of the placeholders in paths to which a task writes. */
export const pathValues = (task: string, params: ParamValues): ParamValues => ({
  ...params,
  task,
  salt: saltOf({ task, params }),
})

/** Whether a path is that of a salted output under these parameters, with any lineage. */
export function isPathOf(
  { name, output }: Pick<TaskDefinition, 'name' | 'output'>,
  params: ParamValues,
  path: string,
): boolean {
  const { salt = '' } = matchPath(output.path, path) ?? {}
  return /^[0-9a-f]{10}$/.test(salt) && renderPath(output.path, { ...params, task: name, salt }) === path
}

/** Returns 10 hexadecimal digits: a short name for a folder that no other parameters of the task share. */
function saltOf(parts: Readonly<Record<string, unknown>>): string {
  return createHash('sha256').update(canonicalJson(parts)).digest('hex').slice(0, 10)
}
