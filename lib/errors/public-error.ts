/** Returns errors without row values, for logs and for the output of a state machine. */
import { type ErrorDetail, type PlainError, toPlain } from './errors.ts'

/** Returns an error without row values in `detail`. Stack and cause are left out: a cause may be an error of the engine, which quotes rows. */
export function publicForm(error: unknown): Pick<PlainError, 'name' | 'code' | 'message' | 'detail'> {
  const { name, code, message, detail } = toPlain(error)
  return { name, message, code, detail: detail && withoutValues(detail) }
}

/** Removes row values at any depth: a detail may list rejects and failures. */
export function withoutValues(detail: ErrorDetail): ErrorDetail {
  return cleaned(detail) as ErrorDetail
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned)
  if (typeof value !== 'object' || value === null) return value
  const { received: _, text: __, ...others } = value as ErrorDetail
  return Object.fromEntries(Object.entries(others).map(([name, item]) => [name, cleaned(item)]))
}
