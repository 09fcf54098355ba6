/** The data of what a task requires, and of how its nodes of a graph run. */
import type { Output } from './output-definition.ts'
import type { Params, ParamValue } from './param-definition.ts'

/** What a requirement needs to know of a task. */
export interface RequiredTask {
  readonly kind: 'task'
  readonly name: string
  readonly params: Params
  readonly output: Output
}

/** Files that somebody else writes. */
export interface ExternalTaskDefinition {
  readonly kind: 'externalTask'
  readonly name: string
  readonly doc?: string
  readonly params: Params
  /** The path of a flag file, or a glob, under the input root: a template with `{param}` placeholders. */
  readonly target: string
}

/** What can be required. */
export type Requirable = RequiredTask | ExternalTaskDefinition

/** A task that must be complete first, with values for some of its parameters; several values give a node for each. */
export interface RequirementDefinition {
  readonly kind: 'requirement'
  readonly task: Requirable
  readonly values: Readonly<Record<string, readonly ParamValue[]>>
}

/** A task, or a task with values for some of its parameters. */
export type Requirement = Requirable | RequirementDefinition
/** What a task requires: one task, a list, or a record whose names `partitionsOf` may use. */
export type Requirements =
  | Requirement
  | readonly Requirement[]
  | Readonly<Record<string, Requirement | readonly Requirement[]>>

/** Requirements by the name that they have in the task: the key of a record, or the name of the required task. */
export type NamedRequirements = Readonly<Record<string, readonly RequirementDefinition[]>>

/** Amounts of resources by name, such as `{ warehouse: 2 }`. */
export type Resources = Readonly<Record<string, number>>

/** The options of a task that say when it runs. */
export interface GraphFields {
  readonly requires?: NamedRequirements | ((params: never) => Requirements)
  /** What a run of the task uses while it runs. */
  readonly resources?: Resources
  /** How often a failed run is tried again. */
  readonly retries?: number
  /** Seconds after which a run is stopped. */
  readonly timeoutSeconds?: number
}
