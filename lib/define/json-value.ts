/** Types and checks values that JSON can hold, as partitions and items are sent to functions and threads. */
import { invalid, show } from './check.ts'

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined }

/** Values in a definition, or the user's function of the parameters that returns them. */
export type GivenValues =
  | readonly JsonValue[]
  | ((params: never) => readonly JsonValue[] | Promise<readonly JsonValue[]>)

/** @throws DEFINITION_INVALID for a value that JSON does not hold */
export function checkJsonValues(where: string, values: readonly unknown[]): void {
  const at = values.findIndex(value => !isJson(value))
  if (at >= 0) throw invalid(`${where}.${at}`, `expected a JSON value, got ${show(values[at])}`)
}

function isJson(value: unknown): boolean {
  if (value === null || ['string', 'boolean'].includes(typeof value)) return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.every(isJson)
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value))
  return isPlain && Object.values(value).every(one => one === undefined || isJson(one))
}
