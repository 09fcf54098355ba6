/** The error for an object that is no longer the version that the plan pinned. */
import { PermanentError } from '../errors/errors.ts'

/** `place` is the name for messages; default the key. */
export function inputChanged(key: string, expected: string, got: string, place = key): PermanentError {
  const message = `${place}: expected ${expected}, got ${got}; it changed while the run read it: run again`
  return new PermanentError('INPUT_CHANGED', message, { key, expected, got })
}
