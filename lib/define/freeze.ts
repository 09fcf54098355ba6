/** Freezes what builders return, and gives it a `with` method. */

/** Returns a deep-frozen copy of plain objects and arrays, without undefined fields. Functions and frozen objects are returned as they are. */
export function frozen<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T
  if (!isPlainObject(value) || Object.isFrozen(value)) return value
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.freeze(Object.fromEntries(fields.map(([name, field]) => [name, frozen(field)]))) as T
}

/** Data with a `with` method, which JSON and spreading do not see. */
export type Refined<Data, Options> = Data & {
  /** Returns the same with other options, which are checked like the first. */
  with(changes: Partial<Options>): Refined<Data, Options>
}

/** Returns frozen data whose `with` builds it again from its options and the changes. */
export function refinable<Data extends object, Options extends object>(
  data: Data,
  options: Options,
  build: (options: Options) => Refined<Data, Options>,
): Refined<Data, Options> {
  return withHidden(data, { with: (changes: Partial<Options>) => build({ ...options, ...changes }) })
}

/** Returns a frozen copy of data with fields that JSON and spreading do not see, such as methods. */
export function withHidden<Data extends object, Hidden extends object>(data: Data, hidden: Hidden): Data & Hidden {
  const copy = { ...frozen(data) }
  for (const [name, value] of Object.entries(hidden)) Object.defineProperty(copy, name, { value, enumerable: false })
  return Object.freeze(copy) as Data & Hidden
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
