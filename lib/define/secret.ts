/** The builder of secrets: names of values that a task's functions need and nobody else may see. */
import { check } from './check.ts'
import type { SecretDefinition } from './definition.ts'
import { filledText } from './schemas.ts'

/**
 * A secret by its name in AWS Secrets Manager. On other machines it is the environment variable of that name in upper case, with `_` for
 * other characters: `weather/api-key` is `WEATHER_API_KEY`. Its value is in `context.secrets` alone.
 * @example secrets: { api: secret('weather/api-key') }
 * @throws DEFINITION_INVALID
 */
export function secret(name: string): SecretDefinition {
  return Object.freeze({ kind: 'secret', name: check('secret: name', filledText, name) } as const)
}

/** The environment variable that holds a secret where there is no Secrets Manager. */
export function secretVariable({ name }: SecretDefinition): string {
  return name.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()
}
