/** The data of tasks that act instead of reading rows: programs, and calls of services by the state machine. */

/** Values by name. */
export type Environment = Readonly<Record<string, string>>

/** The sign that a task is done: a flag file, or files that match a glob. */
export interface TargetDefinition {
  /** The path of a flag file, or a glob: a template with `{task}`, `{salt}` and `{param}` placeholders. */
  readonly path: string
  readonly root: 'input' | 'output'
}

interface ActionFields {
  /** Absent where the end of the action is all that tells. */
  readonly target?: TargetDefinition
  /** Seconds for which the target is looked for after the action. */
  readonly waitSeconds: number
  readonly format?: undefined
  readonly hive: false
}

/** A program that runs in a process of its own. */
export interface ProgramSource extends ActionFields {
  readonly kind: 'program'
  /** The program and its arguments. */
  readonly command: readonly string[] | ((params: never) => readonly string[] | Promise<readonly string[]>)
  readonly environment?: Environment | ((params: never) => Environment)
}

/** A statement of an IAM policy. */
export interface Permission {
  /** Actions of services. @example ['s3:GetObject'] */
  readonly actions: readonly string[]
  /** ARNs, with `*` for any text. */
  readonly resources: readonly string[]
  /** Conditions by operator, as in the policy's JSON. Default none. @example { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } } */
  readonly conditions?: Readonly<Record<string, unknown>>
}

/** A call of a service by a state of Step Functions, which waits for its end. */
export interface StateCallSource extends ActionFields {
  readonly kind: 'stateCall'
  /** The integration, such as `glue:startJobRun.sync`. */
  readonly integration: string
  /** The arguments of the call, as the integration documents them. */
  readonly arguments: object | ((params: never) => object | Promise<object>)
  /** The permissions that the role of the state machine needs for it. */
  readonly permissions: readonly Permission[]
  /** Stands in for the call on a laptop. */
  readonly local?: (call: never) => unknown
}

/** The source of a task that acts. */
export type ActionSource = ProgramSource | StateCallSource
