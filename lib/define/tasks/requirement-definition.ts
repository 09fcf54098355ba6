/** The data of what a task requires, and of how its nodes of a graph run. */
import type { Output } from '../outputs/output-definition.ts'
import type { Params, ParamValue, ParamValues } from '../params/param-definition.ts'
import type { SourceRows } from '../sources/source-rows.ts'

/** The fields of a task that a requirement needs. */
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

/** A task or a target that can be required. */
export type Requirable = RequiredTask | ExternalTaskDefinition

/** A task that must be complete first, with values for some of its parameters; several values give a node for each. */
export interface RequirementDefinition {
  readonly kind: 'requirement'
  readonly task: Requirable
  readonly values: Readonly<Record<string, readonly ParamValue[]>>
}

/** A task, or a task with values for some of its parameters. */
export type Requirement = Requirable | RequirementDefinition
/** The requirements of a task: one task, a list, or a record whose names `partitionsOf` may use. */
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

/** The context of `discover`: everything that it may look at. */
export interface DiscoverContext {
  /** The nodes that `requires` names, in its order, without external tasks. */
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

/** The options of any task that say when it runs. `Values` are the values of its parameters. */
export interface GraphOptions<Values = never> {
  /**
   * A text in place of the code hash: the task runs again when it changes, and no longer when its code does. Default none.
   * @example version: '2024-02'
   */
  readonly version?: string
  /**
   * The tasks that must be complete before this one runs: one, a list, a record, or a function of the params that returns one of
   * these. The task has their parameters without repeating them (except those of a function), and runs again when they have
   * other rows. Default the task that `source` reads, if any.
   * @example requires: { flights, airports }
   * @example requires: ({ year }) => flights.each({ month: months(year) })
   */
  readonly requires?: Requirements | ((params: Values) => Requirements)
  /**
   * Finds out what the task requires besides, once everything in `requires` is complete: a function that returns what `requires` may
   * have. Its answer is recorded, and used again until the task is complete. Default nothing.
   * @example discover: async (params, { list }) => (await list('shops/*.csv')).map(file => sales.withParams({ file }))
   */
  readonly discover?: (params: Values, context: DiscoverContext) => Requirements | Promise<Requirements>
  /**
   * The amounts that a run of the task uses of the pipeline's `resources` while it runs, so that not too many run at once. Default nothing.
   * @example resources: { warehouse: 1 }
   */
  readonly resources?: Resources
  /**
   * How often a run that failed is tried again, unless another try cannot help, as with a bad definition. Default 0.
   * @example retries: 2
   */
  readonly retries?: number
  /**
   * The seconds after which a run is stopped, and fails with OUT_OF_TIME. Default no limit.
   * @example timeoutSeconds: 3_600
   */
  readonly timeoutSeconds?: number
}

/** These options as a definition has them. */
export interface GraphFields extends Omit<GraphOptions, 'requires'> {
  readonly requires?: NamedRequirements | ((params: never) => Requirements)
}

/** The methods that give values to the parameters of what can be required. */
export interface ParamMethods<Values, Row = unknown> {
  /**
   * Returns a requirement: the task with these values of its parameters. The others come from the task that requires it. (`with`
   * changes options, so that values of parameters have a method of their own: a parameter may be called `source`.)
   * @example requires: flights.withParams({ carrier: 'AA' })
   */
  withParams(values: Partial<Values> & Readonly<Record<string, ParamValue>>): RequirementDefinition & SourceRows<Row>

  /**
   * Returns a requirement: the task once for each value, and for each combination of values where several parameters have some.
   * @example requires: ({ year }) => flights.each({ month: months(year) })
   */
  each(
    values: EachValue<Values> & Readonly<Record<string, ParamValue | readonly ParamValue[]>>,
  ): RequirementDefinition & SourceRows<Row>
}

type EachValue<Values> = { readonly [Name in keyof Values]?: Values[Name] | readonly Values[Name][] }
