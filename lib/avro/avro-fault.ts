/** The error of an Avro file that cannot be read. */
import { type ErrorDetail, PermanentError } from '../errors/errors.ts'

/** Returns the error of a file in which something else is found than was expected. */
export const avroFault = (expected: string, got: string, detail: ErrorDetail = {}): PermanentError =>
  new PermanentError('INPUT_INVALID', `expected ${expected}, got ${got}`, detail)
