/** Finds the parameters that a task has by what it requires and reads. */
import { PermanentError } from '../../errors/errors.ts'
import type { TaskDefinition } from '../definition.ts'
import type { ParamDefinition, Params } from '../params/param-definition.ts'
import { readTasks } from '../sources/source-paths.ts'
import type { GraphFields } from './requirement-definition.ts'
import { openParams } from './requirements.ts'

/**
 * Returns the parameters of the task: those of its requirements that no value binds, and its own, which win. A function of the
 * params cannot be called yet, so that nothing is known of what it requires; with `discover`, nothing of which nodes the source reads.
 * @throws PARAM_CONFLICT when two requirements have different parameters of one name, and the task none of its own
 */
export function inheritedParams(
  subject: string,
  {
    own,
    requires,
    discover,
    ...reading
  }: {
    readonly own: Params
    readonly requires: GraphFields['requires']
    readonly discover: GraphFields['discover']
  } & Pick<TaskDefinition, 'source' | 'tables'>,
): Params {
  const found = new Map<string, { readonly task: string; readonly param: ParamDefinition }>()
  for (const { task, params } of upstreamParams(discover ? undefined : reading, requires)) {
    for (const [name, param] of Object.entries(params)) {
      const known = found.get(name)
      if (known && !isSame(known.param, param) && !Object.hasOwn(own, name))
        throw conflict(subject, name, [known.task, task])
      if (!known) found.set(name, { task, param })
    }
  }
  const inherited = Object.fromEntries(Array.from(found, ([name, { param }]) => [name, param]))
  return { ...inherited, ...own }
}

function upstreamParams(
  reading: Pick<TaskDefinition, 'source' | 'tables'> | undefined,
  requires: GraphFields['requires'],
): readonly { readonly task: string; readonly params: Params }[] {
  if (typeof requires === 'function') return []
  const required = openParams(requires ?? {})
  const read = (reading ? readTasks(reading) : []).filter(({ name }) => !required.some(({ task }) => task === name))
  return [...required, ...read.map(({ name: task, params }) => ({ task, params }))]
}

const isSame = (one: ParamDefinition, other: ParamDefinition): boolean =>
  one.validate === other.validate && JSON.stringify(typeOf(one)) === JSON.stringify(typeOf(other))

const typeOf = ({ type, values, default: byDefault }: ParamDefinition) => ({ type, values, byDefault })

function conflict(subject: string, name: string, tasks: readonly string[]): PermanentError {
  const message = `${subject}: params.${name}: expected one parameter ${name}, got different ones from ${tasks.join(' and ')}; declare ${name} in the task, or give one of them its value: ${tasks[0]}.withParams({ ${name}: … })`
  return new PermanentError('PARAM_CONFLICT', message, { param: name, tasks })
}
