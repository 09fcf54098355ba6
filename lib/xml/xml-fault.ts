/** The error of XML that cannot be read. */
import { type ErrorDetail, PermanentError } from '../errors/errors.ts'

/** Returns the error of a document in which something else is found than was expected. */
export const xmlFault = (expected: string, got: string, detail: ErrorDetail = {}): PermanentError =>
  new PermanentError('INPUT_INVALID', `expected ${expected}, got ${got}`, detail)
