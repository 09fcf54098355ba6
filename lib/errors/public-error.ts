/** What is told of a fault where no row may be told: in logs, and in what a state machine shows. */
import { type ErrorDetail, type PlainError, toPlain } from './errors.ts'

/** With the public message, and without the values of rows in `detail`. Neither stack nor cause: they repeat the message. */
export function publicForm(error: unknown): Pick<PlainError, 'name' | 'code' | 'message' | 'detail'> {
  const { name, code, message, publicMessage, detail } = toPlain(error)
  return { name, message: publicMessage ?? message, code, detail: detail && (withoutValues(detail) as ErrorDetail) }
}

/** Rejects and failures stand in a detail as lists. */
function withoutValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutValues)
  if (typeof value !== 'object' || value === null) return value
  const { received: _, publicMessage, ...others } = value as ErrorDetail
  const kept = Object.fromEntries(Object.entries(others).map(([name, item]) => [name, withoutValues(item)]))
  return publicMessage === undefined ? kept : { ...kept, message: publicMessage }
}
