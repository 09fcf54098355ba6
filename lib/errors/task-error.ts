/** Names the task in errors about its definition. */
import { PermanentError } from './errors.ts'

/** The same error with `task NAME: ` in front of its message; other errors as they are. */
export function nameTask(task: string, error: unknown): unknown {
  if (!(error instanceof PermanentError) || error.detail.task !== undefined) return error
  const { code, message, detail, publicMessage } = error
  const options = { cause: error, publicMessage: publicMessage && `task ${task}: ${publicMessage}` }
  return new PermanentError(code, `task ${task}: ${message}`, { ...detail, task }, options)
}
