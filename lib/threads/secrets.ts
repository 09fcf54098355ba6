/** Reads the values of a task's secrets on this machine. They are sent to its worker threads and nowhere else. */

import type { TaskDefinition } from '../define/definition.ts'
import { secretVariable } from '../define/secret.ts'
import { PermanentError } from '../errors/errors.ts'

/** Secret values by their names in the task. */
export type SecretValues = Readonly<Record<string, string>>

/** @throws SECRET_MISSING naming the environment variable that is not set */
export function environmentSecrets({
  name: task,
  secrets = {},
}: Pick<TaskDefinition, 'name' | 'secrets'>): SecretValues {
  const values = Object.entries(secrets).map(([name, secret]) => {
    const variable = secretVariable(secret)
    const value = process.env[variable]
    if (value !== undefined && value !== '') return [name, value] as const
    const message = `task ${task}: secret ${name}: expected the environment variable ${variable} to hold the secret ${secret.name}, got nothing; set it`
    throw new PermanentError('SECRET_MISSING', message, { task, name, variable })
  })
  return Object.fromEntries(values)
}
