/** Reads the values of a task's secrets from AWS Secrets Manager, with the credentials of the function. */
import type { SecretsManagerServiceException } from '@aws-sdk/client-secrets-manager'
import type { TaskDefinition } from '../define/definition.ts'
import { type FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import type { SecretValues } from '../threads/secrets.ts'

/** `arns` has ARNs by secret name, for secrets that cannot be found by their name. @throws SECRET_MISSING when a secret does not exist or may not be read; STORE_FAILED, transient, when the service fails */
export async function managedSecrets(
  { name: task, secrets = {} }: Pick<TaskDefinition, 'name' | 'secrets'>,
  arns: Readonly<Record<string, string>> = {},
): Promise<SecretValues> {
  const entries = Object.entries(secrets)
  if (entries.length === 0) return {}
  // Loaded only when there is a secret, because most functions have none. Imported through an own file, because in a bundle the dynamic import of a CommonJS package has no named exports.
  const { openSecretsClient } = await import('./secrets-client.ts')
  const read = openSecretsClient()
  const values = entries.map(async ([key, { name }]) => {
    const value = await read(arns[name] ?? name).catch((error: unknown) => {
      throw secretFault(error, { name, task })
    })
    if (value === undefined) throw missingSecret('no text in it', { name, task })
    return [key, value] as const
  })
  return Object.fromEntries(await Promise.all(values))
}

interface SecretRequest {
  readonly name: string
  readonly task: string
  readonly status?: number
}

/** Reports only the error name and status of the service, because its message might reveal a secret. */
function secretFault(error: unknown, { name, task }: SecretRequest): FanmillError {
  const { name: type, $metadata } = error as Partial<SecretsManagerServiceException>
  const status = $metadata?.httpStatusCode
  if (status === undefined) {
    const message = `secret ${name}: Secrets Manager does not answer`
    return new TransientError('STORE_FAILED', message, { name, task }, { cause: error })
  }
  const reason = `${status} ${type}`
  const detail = { name, task, status }
  if (status >= 500 || status === 429 || /Throttl|TooManyRequests/i.test(String(type)))
    return new TransientError('STORE_FAILED', `secret ${name}: Secrets Manager answered ${reason}`, detail)
  return missingSecret(reason, detail)
}

function missingSecret(got: string, request: SecretRequest): PermanentError {
  const advice = /AccessDenied|Decryption/.test(got)
    ? 'allow the function to read it; pass a secret with an encryption key of its own to the construct'
    : 'create it as text in Secrets Manager, and allow the function to read it'
  const message = `task ${request.task}: expected secret ${request.name}, got ${got}; ${advice}`
  return new PermanentError('SECRET_MISSING', message, { ...request })
}
