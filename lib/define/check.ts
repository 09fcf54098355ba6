/** Checks options where they enter. Messages name the option's path, what was expected and what was received. */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import { didYouMean } from '../errors/nearest.ts'

/**
 * Returns the value as the schema parses it. Each schema's own message names what it expects: `v.string('a string')`.
 * @throws DEFINITION_INVALID with the first fault; an unknown option is reported before a missing one, as it may be the missing one misspelt
 */
export function check<Schema extends v.GenericSchema>(
  subject: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const issue = result.issues.find(isUnknownKey) ?? result.issues[0]
  const path = (issue.path ?? []).map(item => String(item.key)).join('.')
  const where = path === '' ? subject : `${subject}: ${path}`
  throw invalid(where, sayIssue(issue), { path })
}

/** Returns the error of a wrong definition: where it is wrong, and how. */
export function invalid(where: string, message: string, detail: Readonly<Record<string, unknown>> = {}) {
  return new PermanentError('DEFINITION_INVALID', `${where}: ${message}`, { where, ...detail })
}

/** Returns the schema of an object with these options and no others. `others` maps a name that people may try to the option that they mean. */
export function options<const Entries extends v.ObjectEntries>(
  entries: Entries,
  others: Readonly<Record<string, string>> = {},
) {
  const names = Object.keys(entries)
  return v.strictObject(entries, issue => {
    const name = String(issue.path?.at(-1)?.key ?? '')
    if (isUnknownKey(issue)) return `unknown option${meantName(name, names, others)}`
    if (issue.path === undefined) return `an object with ${names.join(', ')}`
    const entry = entries[name] as { message?: unknown } | undefined
    return typeof entry?.message === 'string' ? entry.message : 'a value'
  })
}

/** Returns the schema of what a builder returns, recognised by its kind. */
export function piece<Piece extends { readonly kind: string }>(expected: string, kinds: readonly Piece['kind'][]) {
  return v.custom<Piece>(value => isBuilt(value) && kinds.includes(value.kind), expected)
}

/** Returns a value as messages show it: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'symbol') return 'a symbol'
  if (isBuilt(value)) return `${value.kind}(…)`
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** Returns `, did you mean …` with the name that `others` has for this one, or else with the nearest of `names`. */
export function meantName(name: string, names: readonly string[], others: Readonly<Record<string, string>>): string {
  return Object.hasOwn(others, name) ? `, did you mean ${others[name]}` : didYouMean(name, names)
}

function isBuilt(value: unknown): value is { readonly kind: string } {
  return typeof value === 'object' && value !== null && 'kind' in value && Object.isFrozen(value)
}

function sayIssue(issue: v.BaseIssue<unknown>): string {
  if (isUnknownKey(issue)) return issue.message
  return `expected ${issue.message}, got ${show(issue.input)}`
}

function isUnknownKey(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never'
}
