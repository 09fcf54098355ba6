/** Handles the errors that a caller expects. */
import { type ErrorCode, FanmillError } from './errors.ts'

/** Whether an error has this code. */
export const hasCode = (error: unknown, code: ErrorCode): error is FanmillError =>
  error instanceof FanmillError && error.code === code

/** Returns a handler for `catch` that returns undefined for an expected error, and throws every other one. */
export const nothingIf =
  (isExpected: (error: unknown) => unknown) =>
  (error: unknown): undefined => {
    if (!isExpected(error)) throw error
  }

/** Returns a handler for `catch` that returns undefined for an error with this code, and throws every other one. */
export const nothingFor = (code: ErrorCode) => nothingIf(error => hasCode(error, code))
