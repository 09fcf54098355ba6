/** Reads what Step Functions says about a failure. */
import type { ErrorCode } from '../errors/errors.ts'
import { readObject } from '../errors/json-object.ts'

export interface Fault {
  readonly code?: ErrorCode
  readonly message: string
}

/** Reads `Error` and `Cause` of a state; errors of our functions begin with their code. */
export function faultOf(error: string | undefined, cause: string | undefined): Fault {
  const thrown = readObject(cause ?? '')
  const text = typeof thrown?.errorMessage === 'string' ? thrown.errorMessage : undefined
  const [, code, message] = /^([A-Z]+(?:_[A-Z]+)*) (.+)$/s.exec(text ?? '') ?? []
  if (code !== undefined && message !== undefined) return { code: code as ErrorCode, message }
  const name = typeof thrown?.errorType === 'string' ? thrown.errorType : error
  return { message: [name, text ?? cause].filter(Boolean).join(': ') || 'it failed without an error message' }
}
