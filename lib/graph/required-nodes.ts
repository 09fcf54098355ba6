/** Finds the nodes that a node requires: the values of its parameters flow to them by name. */
import type {
  ParamDefinition,
  ParamValue,
  ParamValues,
  PipelineDefinition,
  TaskDefinition,
} from '../define/definition.ts'
import { readParamValue } from '../define/param-value.ts'
import type { NamedRequirements, RequiredTask, RequirementDefinition } from '../define/requirement-definition.ts'
import { isRequirements, namedRequirements, requirementsText } from '../define/requirements.ts'
import { upstreamOf } from '../define/source-paths.ts'
import { findRequired } from '../define/task-order.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { nodeKeyOf } from './graph.ts'
import { combinations } from './param-sets.ts'
import { pathText } from './path-text.ts'

/** A task with its parameters, and the key that names both. */
export interface NodeName {
  readonly key: string
  readonly task: TaskDefinition
  readonly params: ParamValues
}

/** Nodes by the name that the task has for them. */
export type NamedNodes = Readonly<Record<string, readonly NodeName[]>>

/**
 * Returns the nodes that a node requires. `pathTo` returns the keys on the way to it, for messages.
 * @throws DEFINITION_INVALID, PARAM_UNBOUND, PARAM_CONFLICT
 */
export function requiredNodes(
  pipeline: PipelineDefinition,
  node: NodeName,
  pathTo: () => readonly string[],
): NamedNodes {
  const named = Object.entries(requirementsOf(node, pathTo))
  const groups = named.map(([name, requirements]) => {
    const nodes = requirements.flatMap(requirement => nodesOf(pipeline, requirement, { node, pathTo }))
    return [name, [...new Map(nodes.map(one => [one.key, one])).values()]]
  })
  return Object.fromEntries(groups)
}

/** Returns the requirements of a task under its parameters, with the task that its source reads. */
function requirementsOf({ task, params }: NodeName, pathTo: () => readonly string[]): NamedRequirements {
  const { requires = {}, source } = task
  const named = typeof requires === 'function' ? callRequires(requires, { params, pathTo }) : requires
  const upstream = upstreamOf(source)
  const isNamed = (name: string): boolean =>
    Object.values(named).some(all => all.some(({ task }) => task.name === name))
  if (!upstream || isNamed(upstream.name)) return named
  const read: RequiredTask = { kind: 'task', ...upstream }
  return { ...named, [upstream.name]: [{ kind: 'requirement', task: read, values: {} }] }
}

function callRequires(
  requires: (params: never) => unknown,
  { params, pathTo }: { readonly params: ParamValues; readonly pathTo: () => readonly string[] },
): NamedRequirements {
  const refuse = (message: string, cause?: unknown): PermanentError => {
    const path = pathTo()
    return new PermanentError('DEFINITION_INVALID', `${pathText(path)}: requires: ${message}`, { path }, { cause })
  }
  try {
    const given = requires(Object.freeze({ ...params }) as never)
    if (isRequirements(given)) return namedRequirements(given)
    throw refuse(`expected ${requirementsText.replace(/, or a function.*/, '')}, got ${typeof given}`)
  } catch (error) {
    if (error instanceof FanmillError) throw error
    throw refuse(`the function failed: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

/** The node that requires others. */
interface Requiring {
  readonly node: NodeName
  readonly pathTo: () => readonly string[]
}

/** Returns one node for each combination of the values of a requirement. */
function nodesOf(
  pipeline: PipelineDefinition,
  requirement: RequirementDefinition,
  requiring: Requiring,
): readonly NodeName[] {
  const { node } = requiring
  const subject = `pipeline ${pipeline.name}`
  const task = findRequired(requirement.task, { subject, task: node.task, tasks: pipeline.tasks })
  const values = Object.entries(task.params).map(([name, param]) => {
    const bound = requirement.values[name] ?? [flowingValue(task, { name, param }, requiring)]
    return [name, bound] as const
  })
  return combinations(values).map(params => ({ key: nodeKeyOf(task.name, params), task, params }))
}

/** Returns the value that a parameter has from the node that requires its task, or its default. */
function flowingValue(
  task: TaskDefinition,
  { name, param }: { readonly name: string; readonly param: ParamDefinition },
  { node, pathTo }: Requiring,
): ParamValue {
  const given = Object.hasOwn(node.params, name) ? node.params[name] : param.default
  const fail = (code: 'PARAM_UNBOUND' | 'PARAM_CONFLICT', what: string): PermanentError => {
    const path = [...pathTo(), task.name]
    const advice = `give it a value: ${task.name}.withParams({ ${name}: … })`
    return new PermanentError(code, `${pathText(path)}: param ${name}: ${what} or ${advice}`, { path, param: name })
  }
  if (given === undefined)
    throw fail(
      'PARAM_UNBOUND',
      `expected a value, got none from ${node.task.name}; declare ${name} in task ${node.task.name},`,
    )
  const read = readParamValue(param, given)
  if ('value' in read) return read.value
  const got = `got ${JSON.stringify(given)} from ${node.task.name}`
  throw fail('PARAM_CONFLICT', `expected ${read.expected}, ${got}; give the parameter of one task another name,`)
}
