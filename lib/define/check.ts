/** Checks options where they enter: says the option's path, what was expected and what came. */
import * as v from 'valibot'
import { PermanentError } from '../errors/errors.ts'
import { didYouMean } from '../errors/nearest.ts'

/**
 * What the schema makes of a value. Each schema's own message names what it expects: `v.string('a string')`.
 * @throws DEFINITION_INVALID with the first fault; an unknown option comes before a missing one, which it may have meant
 */
export function check<Schema extends v.GenericSchema>(
  subject: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const issue = result.issues.find(isUnknownKey) ?? result.issues[0]
  const path = pathOf(issue)
  const where = path === '' ? subject : `${subject}: ${path}`
  throw invalid(where, sayIssue(issue), { path })
}

/** The error of a definition that cannot be, with where it is wrong. */
export function invalid(where: string, message: string, detail: Readonly<Record<string, unknown>> = {}) {
  return new PermanentError('DEFINITION_INVALID', `${where}: ${message}`, { where, ...detail })
}

/** An object with these options and no others. `others` maps a name that people may try to the option that they mean. */
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

/** One of the pieces that builders make, told by its kind. */
export function piece<Piece extends { readonly kind: string }>(expected: string, kinds: readonly Piece['kind'][]) {
  return v.custom<Piece>(value => isBuilt(value) && kinds.includes(value.kind), expected)
}

/** A value as messages show it: short, on one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'symbol') return 'a symbol'
  if (isBuilt(value)) return `${value.kind}(…)`
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** `, did you mean …`: the name that `others` gives for this one, or else the nearest of `names`. */
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

function pathOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).map(item => String(item.key)).join('.')
}
