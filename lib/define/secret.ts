/** Builds secrets: names of values that only a task's functions may read. */
import { check } from './check.ts'
import type { SecretDefinition } from './definition.ts'
import { filledText } from './schemas.ts'

/**
 * A secret, by its name in AWS Secrets Manager. Elsewhere its value is that of the environment variable with the name in upper
 * case and `_` for other characters: `weather/api-key` is `WEATHER_API_KEY`. Only `context.secrets` has the value.
 * @example secrets: { api: secret('weather/api-key') }
 * @throws DEFINITION_INVALID
 */
export function secret(name: string): SecretDefinition {
  return Object.freeze({ kind: 'secret', name: check('secret: name', filledText, name) } as const)
}

/** Returns the name of the environment variable that holds a secret without Secrets Manager. */
export function secretVariable({ name }: SecretDefinition): string {
  return name.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()
}
