/** Reads the parameters of a request, of which each may have one value, a list or a range: every combination is a set. */
import type { ParamDefinition, Params, ParamValue, ParamValues } from '../define/definition.ts'
import { dayMs, isoDate } from '../define/params/scheduled-params.ts'
import { PermanentError } from '../errors/errors.ts'
import { readParam, readParams } from '../model/run/param-values.ts'
import { nodeCountMax } from './graph.ts'

/**
 * Returns the sets of values for these parameters: the product of what is given. Ranges `2001-01..2001-12`, both ends included, and
 * lists `2001-01,2001-03` are texts of dates, months and integers; lists also of enumerations. A list of values is one for any type.
 * @throws PARAM_INVALID, GRAPH_TOO_LARGE
 */
export function paramSets(params: Params, given: Readonly<Record<string, unknown>>): readonly ParamValues[] {
  const several = Object.entries(params).flatMap(([name, param]) => {
    const values = valuesOf(name, param, given[name])
    return values ? [[name, values] as const] : []
  })
  const { length } = several.reduce((all, [, values]) => ({ length: all.length * values.length }), { length: 1 })
  if (length > nodeCountMax) throw tooManySets(several, length)
  return combinations(several).map(set => readParams(params, { ...given, ...set }))
}

/** Returns every combination of one value for each name, those of the last name changing first. */
export function combinations(
  values: readonly (readonly [name: string, values: readonly ParamValue[]])[],
): readonly ParamValues[] {
  let sets: readonly ParamValues[] = [{}]
  for (const [name, all] of values) sets = sets.flatMap(set => all.map(value => ({ ...set, [name]: value })))
  return sets
}

/** Returns the values of a list or a range; undefined for anything else, which is one value. */
function valuesOf(name: string, param: ParamDefinition, given: unknown): readonly ParamValue[] | undefined {
  if (Array.isArray(given))
    return unique(given.flatMap(one => valuesOf(name, param, one) ?? readParam(name, param, one)))
  if (typeof given !== 'string' || !listed.has(param.type) || param.values?.includes(given)) return undefined
  if (!given.includes(',') && !given.includes('..')) return undefined
  return unique(given.split(',').flatMap(text => rangeOf(name, param, text.trim())))
}

const unique = (values: readonly ParamValue[]): readonly ParamValue[] => [...new Set(values)]

const listed: ReadonlySet<ParamDefinition['type']> = new Set(['date', 'month', 'integer', 'enumeration'])

function rangeOf(name: string, param: ParamDefinition, text: string): readonly ParamValue[] {
  const [first, last, ...more] = text.split('..')
  const step = steps[param.type as keyof typeof steps]
  if (last === undefined || !step) return [readParam(name, param, text)]
  const [start, end] = [first, last].map(end => step.position(readParam(name, param, end))) as [number, number]
  if (more.length > 0 || start > end)
    throw invalidRange(
      name,
      `expected a range from the earlier to the later value, such as ${step.example}, got ${text}`,
    )
  const count = end - start + 1
  if (count > nodeCountMax)
    throw invalidRange(name, `expected a range of at most ${nodeCountMax} values, got ${text}, which has ${count}`)
  return Array.from({ length: count }, (_, index) => readParam(name, param, step.at(start + index)))
}

/** Counts the values of a type, so that a range is one of whole numbers. */
interface RangeStep {
  readonly example: string
  position(value: ParamValue): number
  at(position: number): ParamValue
}

const steps: Readonly<Record<'date' | 'month' | 'integer', RangeStep>> = {
  date: {
    example: '2001-01-01..2001-01-31',
    position: value => Date.parse(`${value}T00:00:00Z`) / dayMs,
    at: position => isoDate(position * dayMs),
  },
  month: {
    example: '2001-01..2001-12',
    position: value => Number(String(value).slice(0, 4)) * 12 + Number(String(value).slice(5)) - 1,
    at: position =>
      `${String(Math.floor(position / 12)).padStart(4, '0')}-${String((position % 12) + 1).padStart(2, '0')}`,
  },
  integer: { example: '1..12', position: Number, at: position => position },
}

function invalidRange(name: string, message: string): PermanentError {
  return new PermanentError('PARAM_INVALID', `param ${name}: ${message}`, { param: name })
}

function tooManySets(several: readonly (readonly [string, readonly ParamValue[]])[], count: number): PermanentError {
  const what = several.map(([name, values]) => `${values.length} of ${name}`).join(' × ')
  const message = `expected at most ${nodeCountMax} sets of parameters, got ${count} (${what}); run them in several ranges`
  return new PermanentError('GRAPH_TOO_LARGE', message, { count, nodeCountMax })
}
