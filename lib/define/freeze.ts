/** Deep-frozen copies of what builders are given, and the `.with` of shared pieces. */

/** A deep-frozen copy of plain objects and arrays without undefined fields; what is frozen already, and functions, stay themselves. */
export function frozen<T>(value: T): T {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T
  if (!isPlainObject(value) || Object.isFrozen(value)) return value
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.freeze(Object.fromEntries(fields.map(([name, field]) => [name, frozen(field)]))) as T
}

/** A piece that is refined by `.with({ … })`: a method that JSON and spreading do not see. */
export type Refined<Data, Options> = Data & { with(changes: Partial<Options>): Refined<Data, Options> }

/** Frozen data with a `with` that builds a new piece from its options and the changes. */
export function refinable<Data extends object, Options extends object>(
  data: Data,
  options: Options,
  build: (options: Options) => Refined<Data, Options>,
): Refined<Data, Options> {
  const copy = { ...frozen(data) }
  const refine = (changes: Partial<Options>) => build({ ...options, ...changes })
  Object.defineProperty(copy, 'with', { value: refine, enumerable: false })
  return Object.freeze(copy) as Refined<Data, Options>
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
