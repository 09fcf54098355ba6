/** Names the task in errors about its definition. */
import { PermanentError, prefixError } from './errors.ts'

/** Returns a permanent error that names no task yet with `task NAME: ` before its message, and any other error as it is. */
export function nameTask(task: string, error: unknown): unknown {
  const isUnnamed = error instanceof PermanentError && error.detail.task === undefined
  return isUnnamed ? prefixError(error, `task ${task}`, { task }) : error
}
