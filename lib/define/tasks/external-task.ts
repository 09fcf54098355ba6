/** Builds external tasks: files that somebody else writes, and that must be there before a task runs. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { check, options, piece } from '../check.ts'
import type { ParamValuesOf } from '../columns/row-types.ts'
import { withHidden } from '../freeze.ts'
import type { ParamDefinition, Params } from '../params/param-definition.ts'
import { definitionName, relativePath, text } from '../schemas.ts'
import type { ExternalTaskDefinition, ParamMethods } from './requirement-definition.ts'
import { paramMethods } from './requirements.ts'
import { checkTemplate } from './task-checks.ts'
import { subjectOf } from './task-schemas.ts'

/** The options of `externalTask`. */
export interface ExternalTaskOptions<P extends Params> {
  /**
   * The name: lower case letters, digits and hyphens. Required.
   * @example name: 'bookings'
   */
  readonly name: string
  /** A description for people. Default none. */
  readonly doc?: string
  /**
   * The parameters by name, which `target` may use. Tasks that require this one have them too. Default none.
   * @example params: { month: param.month() }
   */
  readonly params?: P
  /**
   * The path of a flag file under the input root, such as Spark's `_SUCCESS`, or a glob that some file must match: a template with
   * `{param}` placeholders. What requires it runs again when a file below the flag's folder, or one that the glob matches, has
   * changed. Required.
   * @example target: 'bookings/{month}/_SUCCESS'
   * @example target: 'incoming/{month}/*.csv'
   */
  readonly target: string
}

/** An external task, with methods that give values to its parameters, as a task has them. */
export type ExternalTask<Values> = ExternalTaskDefinition & ParamMethods<Values>

/**
 * Files that somebody else writes. A task that requires them fails with NO_INPUT until they are there, and runs again when they change.
 * @example const bookings = externalTask({ name: 'bookings', params: { month: param.month() }, target: 'bookings/{month}/_SUCCESS' })
 * @throws DEFINITION_INVALID
 */
export function externalTask<const P extends Params = Params>(
  given: ExternalTaskOptions<P>,
): ExternalTask<ParamValuesOf<P>> {
  const subject = subjectOf('externalTask', given)
  const { name, doc, params = {}, target } = check(subject, externalOptions, given)
  checkTemplate(`${subject}: target`, target, Object.keys(params))
  const data = { kind: 'externalTask', name, doc, params, target } as const
  const made: ExternalTaskDefinition = withHidden(
    data,
    paramMethods(name, () => made),
  )
  return made as ExternalTask<ParamValuesOf<P>>
}

const externalOptions = options({
  name: definitionName,
  doc: v.optional(text),
  params: v.optional(
    record(v.string(), piece<ParamDefinition>('a parameter such as param.month()', ['param']), 'parameters by name'),
  ),
  target: relativePath,
})
