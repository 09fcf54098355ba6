/** Names that other tools give to types of columns and parameters, each with the name that it has here. */

/** The type of a builder that does not exist; the compiler shows the names to use instead. */
export interface DidYouMean<Names extends string> {
  readonly didYouMean: Names
}

/** Names of column types in other tools. */
export interface OtherColumnNames {
  /** @deprecated Use `int32` or `int64`. */
  readonly int: DidYouMean<'int32 or int64'>
  /** @deprecated Use `int32` or `int64`. */
  readonly integer: DidYouMean<'int32 or int64'>
  /** @deprecated Use `int64`. */
  readonly long: DidYouMean<'int64'>
  /** @deprecated Use `int64`. */
  readonly bigint: DidYouMean<'int64'>
  /** @deprecated Use `float64`. */
  readonly number: DidYouMean<'float64'>
  /** @deprecated Use `float64` or `float32`. */
  readonly float: DidYouMean<'float64 or float32'>
  /** @deprecated Use `float64`. */
  readonly double: DidYouMean<'float64'>
  /** @deprecated Use `boolean`. */
  readonly bool: DidYouMean<'boolean'>
  /** @deprecated Use `string`. */
  readonly text: DidYouMean<'string'>
  /** @deprecated Use `timestamp` or `timestamptz`. */
  readonly datetime: DidYouMean<'timestamp or timestamptz'>
  /** @deprecated Use `list`. */
  readonly array: DidYouMean<'list'>
  /** @deprecated Use `struct`. */
  readonly object: DidYouMean<'struct'>
  /** @deprecated Use `binary`. */
  readonly blob: DidYouMean<'binary'>
  /** @deprecated Use `binary`. */
  readonly bytes: DidYouMean<'binary'>
}

/** Names of parameter types in other tools. */
export interface OtherParamNames {
  /** @deprecated Use `integer`. */
  readonly int: DidYouMean<'integer'>
  /** @deprecated Use `integer`. */
  readonly int32: DidYouMean<'integer'>
  /** @deprecated Use `integer`. */
  readonly int64: DidYouMean<'integer'>
  /** @deprecated Use `float64` or `integer`. */
  readonly number: DidYouMean<'float64 or integer'>
  /** @deprecated Use `float64`. */
  readonly float: DidYouMean<'float64'>
  /** @deprecated Use `float64`. */
  readonly double: DidYouMean<'float64'>
  /** @deprecated Use `boolean`. */
  readonly bool: DidYouMean<'boolean'>
  /** @deprecated Use `string`. */
  readonly text: DidYouMean<'string'>
  /** @deprecated Use `enumeration`. */
  readonly enum: DidYouMean<'enumeration'>
  /** @deprecated Use `timestamp`. */
  readonly datetime: DidYouMean<'timestamp'>
}

type Meant<Names> = { readonly [Name in keyof Names]: Names[Name] extends DidYouMean<infer Used> ? Used : never }

export const otherColumnNames: Meant<OtherColumnNames> = {
  int: 'int32 or int64',
  integer: 'int32 or int64',
  long: 'int64',
  bigint: 'int64',
  number: 'float64',
  float: 'float64 or float32',
  double: 'float64',
  bool: 'boolean',
  text: 'string',
  datetime: 'timestamp or timestamptz',
  array: 'list',
  object: 'struct',
  blob: 'binary',
  bytes: 'binary',
}

export const otherParamNames: Meant<OtherParamNames> = {
  int: 'integer',
  int32: 'integer',
  int64: 'integer',
  number: 'float64 or integer',
  float: 'float64',
  double: 'float64',
  bool: 'boolean',
  text: 'string',
  enum: 'enumeration',
  datetime: 'timestamp',
}
