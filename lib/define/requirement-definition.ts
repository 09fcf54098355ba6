/** The data of what a task requires, and of how its nodes of a graph run. */
import type { Output } from './output-definition.ts'
import type { Params, ParamValue, ParamValues } from './param-definition.ts'

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

/** A node that a task requires, which is complete when `discover` is called. */
export interface RequiredDataset {
  /** The key of the record in `requires`, or the name of the required task. */
  readonly name: string
  readonly task: string
  readonly params: ParamValues
  /** The path or URL of its dataset, as `openDataset` takes it. */
  readonly dataset: string
}

/** What `discover` may look at. */
export interface DiscoverContext {
  /** What `requires` names, in its order. External tasks are not among it. */
  readonly required: readonly RequiredDataset[]
  /**
   * Lists the files below the input root that match a glob, in the order of their names.
   * @example await list('incoming/*.csv')
   */
  list(glob: string): Promise<readonly string[]>
  /** Aborted when the run is stopped. */
  readonly signal: AbortSignal
}

/** Amounts of resources by name, such as `{ warehouse: 2 }`. */
export type Resources = Readonly<Record<string, number>>

/** The options of a task that say when it runs. */
export interface GraphFields {
  readonly requires?: NamedRequirements | ((params: never) => Requirements)
  /** Returns what the task requires besides, once everything in `requires` is complete. */
  readonly discover?: (params: never, context: DiscoverContext) => Requirements | Promise<Requirements>
  /** What a run of the task uses while it runs. */
  readonly resources?: Resources
  /** How often a failed run is tried again. */
  readonly retries?: number
  /** Seconds after which a run is stopped. */
  readonly timeoutSeconds?: number
}
