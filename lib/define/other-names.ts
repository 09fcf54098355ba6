/** Names that other tools give to types of columns and parameters, each with the name that it has here. */

/** The type of a builder that does not exist; the compiler shows the names to use instead. */
export interface DidYouMean<Names extends string> {
  readonly didYouMean: Names
}

type Others<Names extends Readonly<Record<string, string>>> = {
  readonly [Name in keyof Names]: DidYouMean<Names[Name]>
}

/** Names of column types in other tools. */
export const otherColumnNames = {
  /** @deprecated Use `int32` or `int64`. */
  int: 'int32 or int64',
  /** @deprecated Use `int32` or `int64`. */
  integer: 'int32 or int64',
  /** @deprecated Use `int64`. */
  long: 'int64',
  /** @deprecated Use `int64`. */
  bigint: 'int64',
  /** @deprecated Use `float64`. */
  number: 'float64',
  /** @deprecated Use `float64` or `float32`. */
  float: 'float64 or float32',
  /** @deprecated Use `float64`. */
  double: 'float64',
  /** @deprecated Use `boolean`. */
  bool: 'boolean',
  /** @deprecated Use `string`. */
  text: 'string',
  /** @deprecated Use `timestamp` or `timestamptz`. */
  datetime: 'timestamp or timestamptz',
  /** @deprecated Use `list`. */
  array: 'list',
  /** @deprecated Use `struct`. */
  object: 'struct',
  /** @deprecated Use `binary`. */
  blob: 'binary',
  /** @deprecated Use `binary`. */
  bytes: 'binary',
} as const
export type OtherColumnNames = Others<typeof otherColumnNames>

/** Names of parameter types in other tools. */
export const otherParamNames = {
  /** @deprecated Use `integer`. */
  int: 'integer',
  /** @deprecated Use `integer`. */
  int32: 'integer',
  /** @deprecated Use `integer`. */
  int64: 'integer',
  /** @deprecated Use `float64` or `integer`. */
  number: 'float64 or integer',
  /** @deprecated Use `float64`. */
  float: 'float64',
  /** @deprecated Use `float64`. */
  double: 'float64',
  /** @deprecated Use `boolean`. */
  bool: 'boolean',
  /** @deprecated Use `string`. */
  text: 'string',
  /** @deprecated Use `enumeration`. */
  enum: 'enumeration',
  /** @deprecated Use `timestamp`. */
  datetime: 'timestamp',
} as const
export type OtherParamNames = Others<typeof otherParamNames>
