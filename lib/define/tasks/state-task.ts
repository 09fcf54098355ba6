/** Builds tasks that let the state machine call a service and wait for its end: Glue, EMR, ECS, Batch and others. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { ParamValuesOf, TaskLog } from '../columns/row-types.ts'
import type { Params, ParamValues } from '../definition.ts'
import { anyFunction, filledText } from '../schemas.ts'
import { type ActingTask, type ActingTaskOptions, actingOptions, actingTask, otherActingNames } from './acting-task.ts'
import type { Permission, StateCallSource } from './action-definition.ts'
import { subjectOf } from './task-schemas.ts'

/** The argument of the stand-in of a call. */
export interface LocalCall<Values = ParamValues> {
  /** The arguments that the service would get. */
  readonly arguments: Readonly<Record<string, unknown>>
  readonly params: Values
  /** The URL or path of the target; undefined where the task has none. */
  readonly target?: string | undefined
  readonly log: TaskLog
  /** Aborts when the run is stopped. */
  readonly signal: AbortSignal
}

/** The options of `stateTask`. */
export interface StateTaskOptions<P extends Params> extends ActingTaskOptions<P, ParamValuesOf<P>> {
  /**
   * The service integration of Step Functions that waits for the end: its name after `arn:aws:states:::`. Required.
   * @example integration: 'glue:startJobRun.sync'
   */
  readonly integration: string
  /**
   * The arguments of the call, as the integration documents them (with capital letters). Required.
   * @example arguments: ({ month }) => ({ JobName: 'marts', Arguments: { '--month': month } })
   */
  readonly arguments: object | ((params: ParamValuesOf<P>) => object | Promise<object>)
  /**
   * The rights that the role of the state machine gets, as statements of an IAM policy. Required.
   * @example permissions: [{ actions: ['glue:StartJobRun', 'glue:GetJobRun', 'glue:BatchStopJobRun'], resources: ['arn:aws:glue:eu-central-1:123456789012:job/marts'] }]
   */
  readonly permissions: readonly Permission[]
  /**
   * Stands in for the call on a laptop. Default none: a run on a laptop is refused with STAND_IN_MISSING.
   * @example local: async ({ params: { month } }) => copySample(month)
   */
  readonly local?: (call: LocalCall<ParamValuesOf<P>>) => unknown
}

/** A task that lets the state machine call a service. */
export type StateTask<P extends Params> = ActingTask<ParamValuesOf<P>, StateTaskOptions<P>>

/**
 * Calls a service by a state of Step Functions, which waits for the end of the job. No function runs meanwhile, so that it may take days.
 * @example
 * stateTask({
 *   name: 'marts',
 *   integration: 'glue:startJobRun.sync',
 *   arguments: { JobName: 'marts' },
 *   permissions: [{ actions: ['glue:StartJobRun', 'glue:GetJobRun', 'glue:BatchStopJobRun'], resources: [jobArn] }],
 * })
 * @throws DEFINITION_INVALID
 */
export function stateTask<const P extends Params = Params>(given: StateTaskOptions<P>): StateTask<P> {
  const subject = subjectOf('stateTask', given)
  const checked = check(subject, stateOptions, given)
  const fields = checked as unknown as Pick<StateCallSource, 'integration' | 'arguments' | 'permissions' | 'local'>
  const { integration, arguments: args, permissions, local } = fields
  const source = { kind: 'stateCall', integration, arguments: args, permissions, local } as const
  return actingTask(subject, { checked, source }, { given, build: stateTask<P> }) as StateTask<P>
}

const isRecord = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

const permission = options({
  actions: v.pipe(v.array(filledText, 'a list of actions'), v.minLength(1, 'at least one action')),
  resources: v.pipe(v.array(filledText, 'a list of ARNs'), v.minLength(1, 'at least one ARN')),
  conditions: v.optional(v.custom<Permission['conditions']>(isRecord, 'conditions of IAM by operator')),
})

const stateOptions = options(
  {
    ...actingOptions,
    integration: v.pipe(
      v.string('an integration such as glue:startJobRun.sync'),
      v.regex(
        /^[a-z][a-z0-9-]*:[a-z][A-Za-z0-9]*\.sync(?::2)?$/,
        'an integration that waits for the end of a job, such as glue:startJobRun.sync',
      ),
    ),
    arguments: v.custom<object>(
      value => isRecord(value) || typeof value === 'function',
      'an object, or a function of the params that returns one',
    ),
    permissions: v.pipe(
      v.array(permission, 'a list of statements { actions, resources }'),
      v.minLength(1, 'at least one statement { actions, resources }, as the integration documents them'),
    ),
    local: v.optional(anyFunction),
  },
  { ...otherActingNames, resource: 'integration', parameters: 'arguments', policy: 'permissions', standIn: 'local' },
)
