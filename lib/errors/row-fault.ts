/** Recognises errors that a single row causes, so that its place can be found. */
import { FanmillError } from './errors.ts'

/** Whether an error comes from a row: the user's code failed, or its partition cannot be named. */
export function isRowFault(error: unknown): error is FanmillError {
  return error instanceof FanmillError && (error.code === 'TRANSFORM_FAILED' || error.code === 'PARTITION_TOO_LONG')
}
