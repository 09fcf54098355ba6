/** The error for a prop of the construct that cannot be deployed. */
import { PermanentError } from '../lib/errors/errors.ts'

/** Returns DEFINITION_INVALID with the prop and what was expected of it. */
export function invalidProp(prop: string, expected: string, detail: object = {}): PermanentError {
  return new PermanentError('DEFINITION_INVALID', `FanmillPipeline: ${prop}: expected ${expected}`, { prop, ...detail })
}
