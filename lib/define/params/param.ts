/** Builds parameters. */
import * as v from 'valibot'
import { check, invalid, options, show } from '../check.ts'
import type { ParamDefinition, ParamType, ParamValue } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { withKnownNames } from '../known-names.ts'
import { type OtherParamNames, otherParamNames } from '../other-names.ts'
import { anyFunction, filledText, text } from '../schemas.ts'
import { readParamValue } from './param-value.ts'

/** The options of every parameter type. */
export interface ParamOptions<Value extends ParamValue> {
  /**
   * The value where none is given. A parameter without a default must be given.
   * @example param.string({ default: 'all' })
   */
  readonly default?: Value
  /**
   * A description for people. Default none.
   * @example param.month({ doc: 'month of the upload' })
   */
  readonly doc?: string
  /**
   * Returns whether a value is allowed; a returned text says what is expected instead. Default every value.
   * @example param.integer({ validate: value => value > 0 || 'a number above 0' })
   */
  readonly validate?: (value: Value) => boolean | string
}

/** A parameter whose type and value the compiler knows. */
export interface ParamOf<Type extends ParamType, Value extends ParamValue> extends ParamDefinition {
  readonly type: Type
  readonly validate?: (value: Value) => boolean | string
}

const builders = {
  /** Any text. */
  string: typed<'string', string>('string'),
  /** A whole number between ±9,007,199,254,740,991: the numbers that JavaScript holds exactly. */
  integer: typed<'integer', number>('integer'),
  /** A floating point number of 64 bits. */
  float64: typed<'float64', number>('float64'),
  /** `true` or `false`; a command line may also say 1 or 0, yes or no. */
  boolean: typed<'boolean', boolean>('boolean'),
  /** A calendar date, `YYYY-MM-DD`. */
  date: typed<'date', string>('date'),
  /** A month, `YYYY-MM`. */
  month: typed<'month', string>('month'),
  /** An instant in UTC, `2024-01-31T12:00:00Z`. Without a zone it is taken as UTC. */
  timestamp: typed<'timestamp', string>('timestamp'),
  enumeration,
}

/**
 * The types of parameters. Dates, months and timestamps are ISO strings in the code.
 * @example params: { month: param.month(), carrier: param.string({ default: 'all' }) }
 */
export const param = withKnownNames<typeof builders, OtherParamNames>('param', builders, otherParamNames)

const paramOptions = options({
  default: v.optional(v.union([v.string(), v.number(), v.boolean()], 'a string, a number or true or false')),
  doc: v.optional(text),
  validate: v.optional(anyFunction),
})
const words = v.pipe(
  v.array(filledText, 'a list of words'),
  v.minLength(1, 'at least one word'),
  v.check(all => new Set(all).size === all.length, 'words that differ'),
)

/**
 * One of these words.
 * @example param.enumeration(['day', 'hour'], { default: 'day' })
 */
function enumeration<const Words extends readonly string[]>(
  values: Words,
  given: ParamOptions<Words[number]> = {},
): ParamOf<'enumeration', Words[number]> {
  return build('enumeration', given, check('param.enumeration: values', words, values))
}

function typed<const Type extends ParamType, Value extends ParamValue>(type: Type) {
  return (given: ParamOptions<Value> = {}): ParamOf<Type, Value> => build(type, given)
}

function build<Type extends ParamType, Value extends ParamValue>(
  type: Type,
  given: ParamOptions<Value>,
  values?: readonly string[],
): ParamOf<Type, Value> {
  const checked = check(`param.${type}`, paramOptions, given)
  const definition = { kind: 'param', type, values, doc: checked.doc, validate: given.validate } as const
  if (checked.default === undefined) return frozen(definition)
  const read = readParamValue(definition, checked.default)
  if ('expected' in read)
    throw invalid(`param.${type}`, `default: expected ${read.expected}, got ${show(checked.default)}`)
  return frozen({ ...definition, default: read.value })
}
