/** Returns errors without row values, for logs and for the output of a state machine. */
import { type ErrorDetail, type PlainError, toPlain } from './errors.ts'

/** Returns an error with its public message and without row values in `detail`. Stack and cause are left out, because they repeat the message. */
export function publicForm(error: unknown): Pick<PlainError, 'name' | 'code' | 'message' | 'detail'> {
  const { name, code, message, publicMessage, detail } = toPlain(error)
  return { name, message: publicMessage ?? message, code, detail: detail && (withoutValues(detail) as ErrorDetail) }
}

/** Removes row values at any depth: a detail may list rejects and failures. */
function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutValues)
  if (typeof value !== 'object' || value === null) return value
  const { received: _, publicMessage, ...others } = value as ErrorDetail
  const kept = Object.fromEntries(Object.entries(others).map(([name, item]) => [name, withoutValues(item)]))
  return publicMessage === undefined ? kept : { ...kept, message: publicMessage }
}
