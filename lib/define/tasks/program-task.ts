/** Builds tasks that run a program in a process of its own. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { check, options } from '../check.ts'
import type { ParamValuesOf } from '../columns/row-types.ts'
import type { Params, SecretDefinition } from '../definition.ts'
import { filledText, text } from '../schemas.ts'
import { type ActingTask, type ActingTaskOptions, actingOptions, actingTask, otherActingNames } from './acting-task.ts'
import type { Environment, ProgramSource } from './action-definition.ts'
import { secretsByName, subjectOf } from './task-schemas.ts'

/** The options of `programTask`. */
export interface ProgramTaskOptions<P extends Params> extends ActingTaskOptions<P, ParamValuesOf<P>> {
  /**
   * The program and its arguments, each as it is: no shell reads them. A path is relative to the pipeline's folder. Required.
   * @example command: ['python3', 'train.py']
   * @example command: ({ month }) => ['spark-submit', 'marts.py', '--month', month]
   */
  readonly command: readonly string[] | ((params: ParamValuesOf<P>) => readonly string[] | Promise<readonly string[]>)
  /**
   * Environment variables that the program has besides those of Fanmill's own process. Default none.
   * @example environment: { SPARK_HOME: '/opt/spark' }
   * @example environment: ({ month }) => ({ MONTH: month })
   */
  readonly environment?: Environment | ((params: ParamValuesOf<P>) => Environment)
  /**
   * Secrets by the environment variable in which the program finds them. Default none.
   * @example secrets: { PGPASSWORD: secret('warehouse/password') }
   */
  readonly secrets?: Readonly<Record<string, SecretDefinition>>
}

/** A task that runs a program. */
export type ProgramTask<P extends Params> = ActingTask<ParamValuesOf<P>, ProgramTaskOptions<P>>

/**
 * Runs a program: on a laptop as a child process, on AWS in a function, for at most the time of that function. Its exit code and its
 * target decide whether it is done; what it writes to stdout and stderr is in the log of its run.
 * @example programTask({ name: 'marts', params: { month: param.month() }, command: ({ month }) => ['python3', 'marts.py', month], target: 'marts/{month}/_SUCCESS' })
 * @throws DEFINITION_INVALID
 */
export function programTask<const P extends Params = Params>(given: ProgramTaskOptions<P>): ProgramTask<P> {
  const subject = subjectOf('programTask', given)
  const checked = check(subject, programOptions, given)
  const { command, environment } = checked as Pick<ProgramSource, 'command' | 'environment'>
  const source = { kind: 'program', command, environment } as const
  return actingTask(subject, { checked, source }, { given, build: programTask<P> }) as ProgramTask<P>
}

const programOptions = options(
  {
    ...actingOptions,
    command: v.union(
      [v.pipe(v.array(filledText), v.minLength(1)), v.function()],
      'the program and its arguments as a list of strings, or a function of the params that returns it',
    ),
    environment: v.optional(
      v.union(
        [record(filledText, text), v.function()],
        'strings by name, or a function of the params that returns them',
      ),
    ),
    secrets: v.optional(secretsByName),
  },
  { ...otherActingNames, env: 'environment', args: 'command', program: 'command', cmd: 'command' },
)
