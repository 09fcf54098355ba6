/** Finds the nodes that a node requires: the values of its parameters flow to them by name. */
import type {
  ParamDefinition,
  ParamValue,
  ParamValues,
  PipelineDefinition,
  TaskDefinition,
} from '../define/definition.ts'
import { readParamValue } from '../define/params/param-value.ts'
import { readTasks } from '../define/sources/source-paths.ts'
import type {
  ExternalTaskDefinition,
  NamedRequirements,
  Requirable,
  RequiredTask,
  RequirementDefinition,
} from '../define/tasks/requirement-definition.ts'
import { isRequirements, namedRequirements, requirementsText } from '../define/tasks/requirements.ts'
import { findRequired } from '../define/tasks/task-order.ts'
import { hasGlob } from '../define/template-syntax.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { nodeIdOf } from '../model/run/node-name.ts'
import type { ExternalTarget } from '../model/run/upstream-node.ts'
import { renderPath, templateGlob } from '../paths/path-template.ts'
import { pathText } from './graph-errors.ts'
import { combinations } from './param-sets.ts'

/** A task with its parameters, and the key that names both. */
export interface BoundTask {
  readonly key: string
  readonly task: TaskDefinition
  readonly params: ParamValues
}

export interface RequiredNodes {
  /** Nodes by the name that the task has for them. */
  readonly groups: Readonly<Record<string, readonly BoundTask[]>>
  /** Files of external tasks, which are not nodes: nobody runs them. */
  readonly targets: readonly ExternalTarget[]
}

/**
 * Returns the nodes that a node requires, those whose rows it reads too. With `discover` these are left out: its answer may say which of
 * them are read. `pathTo` returns the keys on the way to it, for messages.
 * @throws DEFINITION_INVALID, PARAM_UNBOUND, PARAM_CONFLICT
 */
export function requiredNodes(
  pipeline: PipelineDefinition,
  node: BoundTask,
  pathTo: () => readonly string[],
): RequiredNodes {
  const stated = statedRequirements(node, pathTo)
  return bindAll(pipeline, node.task.discover ? stated : withRead(stated, node.task), { node, pathTo })
}

/**
 * Returns the nodes that a node requires once its `discover` has returned something: those of `requires` too, and those whose rows it
 * reads that neither names.
 * @throws DEFINITION_INVALID, PARAM_UNBOUND, PARAM_CONFLICT
 */
export function allRequiredNodes(
  pipeline: PipelineDefinition,
  node: BoundTask,
  { returned, pathTo }: { readonly returned: unknown; readonly pathTo: () => readonly string[] },
): RequiredNodes {
  const discovered = checkRequirements(returned, { option: 'discover', pathTo })
  const named: Record<string, readonly RequirementDefinition[]> = { ...statedRequirements(node, pathTo) }
  for (const [name, all] of Object.entries(discovered)) named[name] = [...(named[name] ?? []), ...all]
  return bindAll(pipeline, withRead(named, node.task), { node, pathTo })
}

function bindAll(pipeline: PipelineDefinition, named: NamedRequirements, requiring: Requiring): RequiredNodes {
  const groups: Record<string, readonly BoundTask[]> = {}
  const targets: ExternalTarget[] = []
  for (const [name, requirements] of Object.entries(named)) {
    const nodes = requirements.flatMap(({ task: required, values }) => {
      if (required.kind === 'task') return nodesOf(pipeline, { required, values }, requiring)
      for (const target of targetsOf(required, values, requiring)) targets.push(target)
      return []
    })
    if (nodes.length > 0) groups[name] = [...new Map(nodes.map(one => [one.key, one])).values()]
  }
  return { groups, targets }
}

function statedRequirements({ task, params }: BoundTask, pathTo: () => readonly string[]): NamedRequirements {
  const { requires = {} } = task
  return typeof requires === 'function' ? callRequires(requires, { params, pathTo }) : requires
}

function withRead(named: NamedRequirements, task: TaskDefinition): NamedRequirements {
  const isNamed = (name: string): boolean =>
    Object.values(named).some(all => all.some(({ task }) => task.name === name))
  const others = readTasks(task).filter(({ name }) => !isNamed(name))
  const added = others.map(one => {
    const requirement: RequirementDefinition = { kind: 'requirement', task: { kind: 'task', ...one }, values: {} }
    return [one.name, [...(named[one.name] ?? []), requirement]] as const
  })
  return { ...named, ...Object.fromEntries(added) }
}

function callRequires(
  requires: (params: never) => unknown,
  { params, pathTo }: { readonly params: ParamValues; readonly pathTo: () => readonly string[] },
): NamedRequirements {
  const option = 'requires'
  try {
    return checkRequirements(requires(Object.freeze({ ...params }) as never), { option, pathTo })
  } catch (error) {
    if (error instanceof FanmillError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw refusal(`the function failed: ${reason}`, { option, pathTo, cause: error })
  }
}

/** The option whose function returned something, and the way to its node. */
interface ReturningOption {
  readonly option: 'requires' | 'discover'
  readonly pathTo: () => readonly string[]
}

function checkRequirements(returned: unknown, from: ReturningOption): NamedRequirements {
  if (isRequirements(returned)) return namedRequirements(returned)
  throw refusal(`expected ${requirementsText.replace(/, or a function.*/, '')}, got ${typeof returned}`, from)
}

function refusal(what: string, { option, pathTo, cause }: ReturningOption & { cause?: unknown }): PermanentError {
  const path = pathTo()
  return new PermanentError('DEFINITION_INVALID', `${pathText(path)}: ${option}: ${what}`, { path }, { cause })
}

interface Requiring {
  readonly node: BoundTask
  readonly pathTo: () => readonly string[]
}

type Values = RequirementDefinition['values']

/** Returns one node for each combination of the values of a requirement. */
function nodesOf(
  pipeline: PipelineDefinition,
  { required, values }: { readonly required: RequiredTask; readonly values: Values },
  requiring: Requiring,
): readonly BoundTask[] {
  const subject = `pipeline ${pipeline.name}`
  const task = findRequired(required, { subject, task: requiring.node.task, tasks: pipeline.tasks })
  return paramsOf(task, values, requiring).map(params => ({ key: nodeIdOf(task.name, params), task, params }))
}

/** Returns the files of an external task for each combination of the values of a requirement. */
function targetsOf(external: ExternalTaskDefinition, values: Values, requiring: Requiring): readonly ExternalTarget[] {
  const isGlob = hasGlob(external.target)
  const render = isGlob ? templateGlob : renderPath
  return paramsOf(external, values, requiring).map(params => ({
    node: nodeIdOf(external.name, params),
    path: render(external.target, params),
    isGlob,
  }))
}

function paramsOf(task: Requirable, values: Values, requiring: Requiring): readonly ParamValues[] {
  const named = Object.entries(task.params).map(([name, param]) => {
    return [name, values[name] ?? [flowingValue(task, { name, param }, requiring)]] as const
  })
  return combinations(named)
}

/** Returns the value that a parameter has from the node that requires its task, or its default. */
function flowingValue(
  task: Requirable,
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
