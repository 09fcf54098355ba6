/** Faults of the code or the definition that one row brings out, so that its place can be found. */
import { FanmillError } from './errors.ts'

export function isRowFault(error: unknown): error is FanmillError {
  return error instanceof FanmillError && (error.code === 'TRANSFORM_FAILED' || error.code === 'PARTITION_TOO_LONG')
}
