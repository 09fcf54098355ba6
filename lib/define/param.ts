/** The builders of parameters. */
import * as v from 'valibot'
import { check, invalid, options, show } from './check.ts'
import type { ParamDefinition, ParamType, ParamValue } from './definition.ts'
import { frozen } from './freeze.ts'
import { withKnownNames } from './known-names.ts'
import { readParamValue } from './param-value.ts'
import { anyFunction, filledText, text } from './schemas.ts'

export interface ParamOptions<Value extends ParamValue> {
  /** A parameter without one must be given. */
  readonly default?: Value
  readonly doc?: string
  /** Whether a value is allowed; a text says what is expected instead. */
  readonly validate?: (value: Value) => boolean | string
}

/** A parameter whose type and value the compiler knows. */
export interface ParamOf<Type extends ParamType, Value extends ParamValue> extends ParamDefinition {
  readonly type: Type
  readonly validate?: (value: Value) => boolean | string
}

/** The types of parameters; dates, months and timestamps are ISO strings. */
export const param = withKnownNames(
  'param',
  {
    string: typed<'string', string>('string'),
    integer: typed<'integer', number>('integer'),
    float64: typed<'float64', number>('float64'),
    boolean: typed<'boolean', boolean>('boolean'),
    /** `YYYY-MM-DD` */
    date: typed<'date', string>('date'),
    /** `YYYY-MM` */
    month: typed<'month', string>('month'),
    /** Kept in UTC: `2024-01-31T12:00:00Z`. */
    timestamp: typed<'timestamp', string>('timestamp'),
    enumeration,
  },
  {
    number: 'float64 or integer',
    int: 'integer',
    int32: 'integer',
    int64: 'integer',
    long: 'integer',
    bigint: 'integer',
    float: 'float64',
    float32: 'float64',
    double: 'float64',
    bool: 'boolean',
    text: 'string',
    enum: 'enumeration',
    datetime: 'timestamp',
  },
)

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

/** One of these words. */
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
