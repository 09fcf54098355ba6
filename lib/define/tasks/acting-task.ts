/** Builds tasks that act instead of reading rows, with the options that all of them have. */
import * as v from 'valibot'
import type { options } from '../check.ts'
import type { ParamDefinition, Params, SecretDefinition, TaskDefinition } from '../definition.ts'
import { withHidden } from '../freeze.ts'
import type { TargetOutput } from '../outputs/output-definition.ts'
import { count, definitionName, filledText, oneOf, relativePath, text } from '../schemas.ts'
import type { ActionSource } from './action-definition.ts'
import { inheritedParams } from './inherited-params.ts'
import type { GraphOptions, ParamMethods, Requirements } from './requirement-definition.ts'
import { paramMethods } from './requirements.ts'
import { checkTemplate } from './task-checks.ts'
import { graphOptions, paramsByName, requirementsFrom } from './task-schemas.ts'

/** The options that tasks have which act instead of reading rows. */
export interface ActingTaskOptions<P extends Params, Values> extends GraphOptions<Values> {
  /**
   * The name: lower case letters, digits and hyphens. Required.
   * @example name: 'load-warehouse'
   */
  readonly name: string
  /** A description for people. Default none. */
  readonly doc?: string
  /**
   * The parameters by name. Those of `requires` need not be repeated. Default none.
   * @example params: { month: param.month() }
   */
  readonly params?: P
  /**
   * The path of a flag file, or a glob that some file must match: a template with `{task}`, `{salt}` and `{param}` placeholders. The
   * task is done only when it is there, and runs again when it is gone. Default none: the end of the task decides.
   * @example target: 'marts/{month}/_SUCCESS'
   */
  readonly target?: string
  /**
   * The root of `target`: `input` or `output`. Default `input`, where `files` reads.
   * @example root: 'output'
   */
  readonly root?: 'input' | 'output'
  /**
   * The seconds for which the target is looked for when the task has ended, for one that only submits a job. Default 0.
   * @example waitSeconds: 600
   */
  readonly waitSeconds?: number
}

/** A task that acts: its data, and methods that change its options and give values to its parameters. */
export interface ActingTask<Values, Options> extends TaskDefinition, ParamMethods<Values> {
  /** Returns the task with other options, which are checked like the first. */
  with(changes: Partial<Options>): ActingTask<Values, Options>
}

/** The schemas of these options. */
export const actingOptions = {
  name: definitionName,
  doc: v.optional(text),
  params: v.optional(paramsByName),
  target: v.optional(relativePath),
  root: v.optional(oneOf(['input', 'output'])),
  waitSeconds: v.optional(count(0)),
  ...graphOptions,
  version: v.optional(filledText),
}

/** Names that people may try for these options. */
export const otherActingNames = {
  output: 'target',
  depends: 'requires',
  dependsOn: 'requires',
  timeout: 'timeoutSeconds',
}

/** The checked options, and what the task does. */
export interface ActingFields {
  readonly checked: v.InferOutput<ReturnType<typeof options<typeof actingOptions>>> & {
    readonly secrets?: Readonly<Record<string, SecretDefinition>> | undefined
  }
  readonly source: DistributedOmit<ActionSource, 'target' | 'waitSeconds' | 'hive' | 'format'>
}

type DistributedOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never

/** Makes the task. `build` makes it again from its options and changes of them. @throws DEFINITION_INVALID, PARAM_CONFLICT */
export function actingTask<Options extends object>(
  subject: string,
  { checked, source }: ActingFields,
  { given, build }: { readonly given: Options; readonly build: (options: Options) => TaskDefinition },
): TaskDefinition {
  const { name, target: path, root = 'input', waitSeconds = 0 } = checked
  const requires = requirementsFrom(checked.requires as Requirements)
  const own = (checked.params ?? {}) as Readonly<Record<string, ParamDefinition>>
  const target = path === undefined ? undefined : { path, root }
  const acting = { ...source, target, waitSeconds, hive: false } as ActionSource
  const params = inheritedParams(subject, { own, source: acting, tables: {}, requires, discover: undefined })
  if (target) checkTemplate(`${subject}: target`, target.path, [...Object.keys(params), 'task', 'salt'])
  const { doc, resources, retries, timeoutSeconds, version, secrets } = checked
  const discover = checked.discover as TaskDefinition['discover']
  const fields: TaskDefinition = {
    ...{ kind: 'task', name, doc, params, source: acting, output: record, ...withoutRows },
    ...{ requires, discover, resources, retries, timeoutSeconds, version, secrets },
  }
  const made: TaskDefinition = withHidden(fields, {
    with: (changes: Partial<Options>) => build({ ...given, ...changes }),
    ...paramMethods(name, () => made),
  })
  return made
}

/** The path under which the state records the runs, one for each set of parameters. */
const record: TargetOutput = { kind: 'target', path: '.fanmill/targets/{task}/{salt}', mode: 'replace' }

/** The options of a task that only count where it reads rows. */
const withoutRows = {
  ...{ tables: {}, transform: [], rejects: { max: 0 }, strict: true, provenance: [] },
  ...{ onNewColumn: 'ignore', onMissingColumn: 'fail', onEmpty: 'fail' },
} as const satisfies Partial<TaskDefinition>
