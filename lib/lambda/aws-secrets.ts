/** The values of a task's secrets from AWS Secrets Manager, with the function's own credentials. */
import type { SecretsManagerServiceException } from '@aws-sdk/client-secrets-manager'
import type { TaskDefinition } from '../define/definition.ts'
import { type FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import type { SecretValues } from '../threads/secrets.ts'

export interface ManagedSecretsOptions {
  /** ARNs by name, of secrets that are not found by their name; default none. */
  readonly arns?: Readonly<Record<string, string>>
}

/** @throws SECRET_MISSING when one is not there, or may not be read; STORE_FAILED, transient, when the service fails */
export async function managedSecrets(
  { name: task, secrets = {} }: Pick<TaskDefinition, 'name' | 'secrets'>,
  { arns = {} }: ManagedSecretsOptions = {},
): Promise<SecretValues> {
  const asked = Object.entries(secrets)
  if (asked.length === 0) return {}
  // Loaded when there is a secret to read, as most functions have none; a file of ours, because bundles give no names of a CommonJS package that is imported late.
  const { openSecretsClient } = await import('./secrets-client.ts')
  const read = openSecretsClient()
  const values = asked.map(async ([key, { name }]) => {
    const value = await read(arns[name] ?? name).catch((error: unknown) => {
      throw fault(error, { name, task })
    })
    if (value === undefined) throw missing('no text in it', { name, task })
    return [key, value] as const
  })
  return Object.fromEntries(await Promise.all(values))
}

interface Asked {
  readonly name: string
  readonly task: string
  readonly status?: number
}

/** Says nothing of what the service answered but its name for the fault. */
function fault(error: unknown, { name, task }: Asked): FanmillError {
  const { name: type, $metadata } = error as Partial<SecretsManagerServiceException>
  const status = $metadata?.httpStatusCode
  if (status === undefined) {
    const message = `secret ${name}: Secrets Manager does not answer`
    return new TransientError('STORE_FAILED', message, { name, task }, { cause: error })
  }
  const said = `${status} ${type}`
  const detail = { name, task, status }
  if (status >= 500 || status === 429 || /Throttl|TooManyRequests/i.test(String(type)))
    return new TransientError('STORE_FAILED', `secret ${name}: Secrets Manager answered ${said}`, detail)
  return missing(said, detail)
}

function missing(got: string, asked: Asked): PermanentError {
  const mend = /AccessDenied|Decryption/.test(got)
    ? 'let the function read it; one with an encryption key of its own is given to the construct as a secret'
    : 'make it as text in Secrets Manager, and let the function read it'
  const message = `task ${asked.task}: expected secret ${asked.name}, got ${got}; ${mend}`
  return new PermanentError('SECRET_MISSING', message, { ...asked })
}
