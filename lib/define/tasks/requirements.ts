/** Builds requirements: a task with values for some of its parameters, and the names under which a task requires others. */
import { didYouMean } from '../../errors/nearest.ts'
import { invalid, show } from '../check.ts'
import { frozen } from '../freeze.ts'
import type { ParamDefinition, Params, ParamValue } from '../params/param-definition.ts'
import { readParamValue } from '../params/param-value.ts'
import type {
  NamedRequirements,
  Requirable,
  Requirement,
  RequirementDefinition,
  Requirements,
} from './requirement-definition.ts'

export const requirementsText =
  'a task, tasks in a list, tasks by name, or a function of the params that returns one of these'

/** Whether a value is what `requires` may have, except for a function. */
export function isRequirements(value: unknown): value is Requirements {
  if (isRequirement(value)) return true
  if (Array.isArray(value)) return value.every(isRequirement)
  if (typeof value !== 'object' || value === null || 'kind' in value) return false
  return Object.values(value).every(one => isRequirement(one) || (Array.isArray(one) && one.every(isRequirement)))
}

/** Returns the requirements by name: a list, or a single task, has the names of its tasks. */
export function namedRequirements(given: Requirements): NamedRequirements {
  if (isRequirement(given)) return namedRequirements([given])
  if (Array.isArray(given))
    return frozen(
      Object.fromEntries(Map.groupBy((given as readonly Requirement[]).map(asRequirement), ({ task }) => task.name)),
    )
  const named = Object.entries(given).map(([name, one]) => [name, (isList(one) ? one : [one]).map(asRequirement)])
  return frozen(Object.fromEntries(named))
}

/**
 * Returns the methods by which `task` gets values for its parameters, each one value or a list.
 * @throws DEFINITION_INVALID, when they are called, for an unknown parameter, or a value that it does not take
 */
export function paramMethods(name: string, task: () => Requirable) {
  const method = (called: string) => (values: object) => requirementOf(`${name}.${called}`, task(), values)
  return { withParams: method('withParams'), each: method('each') }
}

function requirementOf(caller: string, task: Requirable, given: object): RequirementDefinition {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw invalid(caller, `expected values of parameters by name, got ${show(given)}`)
  const values = Object.entries(given).map(([name, value]) => [name, readValues(caller, { name, value, task })])
  return frozen({ kind: 'requirement', task, values: Object.fromEntries(values) })
}

function readValues(
  caller: string,
  { name, value, task }: { readonly name: string; readonly value: unknown; readonly task: Requirable },
): readonly ParamValue[] {
  const param = task.params[name]
  const names = Object.keys(task.params)
  if (param === undefined)
    throw invalid(
      caller,
      `expected a parameter of task ${task.name} (${names.join(', ') || 'none'}), got ${name}${didYouMean(name, names)}`,
    )
  return (Array.isArray(value) ? value : [value]).map(one => readValue(`${caller}: ${name}`, param, one))
}

function readValue(where: string, param: ParamDefinition, value: unknown): ParamValue {
  const read = readParamValue(param, value)
  if ('expected' in read) throw invalid(where, `expected ${read.expected}, got ${show(value)}`)
  return read.value
}

/** Returns the parameters of a task's requirements that no value binds: the task has them without repeating them. */
export function openParams(
  requirements: NamedRequirements,
): readonly { readonly task: string; readonly params: Params }[] {
  return Object.values(requirements)
    .flat()
    .map(({ task, values }) => ({
      task: task.name,
      params: Object.fromEntries(Object.entries(task.params).filter(([name]) => !Object.hasOwn(values, name))),
    }))
}

function isRequirement(value: unknown): value is Requirement {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value) || !('kind' in value)) return false
  return value.kind === 'task' || value.kind === 'externalTask' || value.kind === 'requirement'
}

const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value)

const asRequirement = (one: Requirement): RequirementDefinition =>
  one.kind === 'requirement' ? one : frozen({ kind: 'requirement', task: one, values: {} })
