/** The error of an input that cannot be read. */
import { type ErrorDetail, PermanentError } from './errors.ts'

/** Returns the error of an input in which something else is found than was expected. */
export const invalidInput = (expected: string, got: string, detail: ErrorDetail = {}): PermanentError =>
  new PermanentError('INPUT_INVALID', `expected ${expected}, got ${got}`, detail)
