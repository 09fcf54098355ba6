/** Defines the schemas of options that several kinds of tasks have. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { piece } from '../check.ts'
import type { ParamDefinition, SecretDefinition, TaskDefinition } from '../definition.ts'
import { anyFunction, count, filledText, isOwnName } from '../schemas.ts'
import type { Requirements } from './requirement-definition.ts'
import { isRequirements, namedRequirements, requirementsText } from './requirements.ts'

export const identifier = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of letters, digits and underscores that begins with no digit'),
)

export const paramsByName = record(
  v.pipe(
    identifier,
    v.check(name => name !== 'task' && name !== 'salt', 'a name other than task and salt, which paths use already'),
    isOwnName,
  ),
  piece<ParamDefinition>('a parameter such as param.string()', ['param']),
  'parameters by name',
)

export const secretsByName = record(
  identifier,
  piece<SecretDefinition>("secret('name')", ['secret']),
  'secrets by name',
)

export const amounts = record(filledText, count(1), 'amounts of resources by name, such as { warehouse: 2 }')

/** The options that say when a task runs. */
export const graphOptions = {
  requires: v.optional(v.union([v.function(), v.custom<Requirements>(isRequirements)], requirementsText)),
  discover: v.optional(anyFunction),
  resources: v.optional(amounts),
  retries: v.optional(count(0)),
  timeoutSeconds: v.optional(count(1)),
}

/** Returns what a task requires, by name. */
export function requirementsFrom(requires: Requirements | ((params: never) => Requirements) | undefined) {
  return (
    requires === undefined || typeof requires === 'function' ? requires : namedRequirements(requires)
  ) as TaskDefinition['requires']
}

/** Returns how messages name a definition by the function that builds it and by its name. */
export function subjectOf(builder: string, given: unknown): string {
  const name = typeof given === 'object' && given !== null && 'name' in given ? given.name : undefined
  return typeof name === 'string' && name !== '' ? `${builder} ${name}` : builder
}
