/** The data of parameters and of their values. */

export type ParamType = 'string' | 'integer' | 'float64' | 'boolean' | 'date' | 'month' | 'timestamp' | 'enumeration'
export type ParamValue = string | number | boolean

/** A parameter. Dates, months and timestamps are ISO strings in the code as they are on the command line. */
export interface ParamDefinition {
  readonly kind: 'param'
  readonly type: ParamType
  readonly default?: ParamValue
  readonly values?: readonly string[]
  readonly doc?: string
  readonly validate?: (value: never) => boolean | string
}

/** Parameters by name. */
export type Params = Readonly<Record<string, ParamDefinition>>
/** Values of parameters by name. */
export type ParamValues = Readonly<Record<string, ParamValue>>
