/** The data of columns: their types, and how their text is read. */

/** The column types without parameters of their own. */
export type ScalarType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'string'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'json'
  | 'binary'

/** A column: its type, and how its text is read. */
export interface ColumnDefinition {
  readonly kind: 'column'
  readonly type: ScalarType | 'decimal' | 'list' | 'struct'
  /** The number of digits in all, 1 to 38; of `decimal` only. */
  readonly precision?: number
  /** The number of digits after the point; of `decimal` only. */
  readonly scale?: number
  /** The column that types the items; of `list` only. */
  readonly items?: ColumnDefinition
  /** The columns of the fields; of `struct` only. */
  readonly fields?: Readonly<Record<string, ColumnDefinition>>
  /** Whether a null makes the row a reject. The column is optional in Parquet all the same. Default false. */
  readonly required?: boolean
  /** The strptime format of a date, time or timestamp, or several, of which the first that fits counts. Default ISO 8601. */
  readonly format?: string | readonly string[]
  /** Texts that are read as null, besides those of the format. Default none. */
  readonly nullValues?: readonly string[]
  /** The names that the column may have in the file. Default its own. */
  readonly from?: readonly string[]
  /** Whether white space around the text is removed. Default false. */
  readonly trim?: boolean
  /** The texts that mean true, and those that mean false; of `boolean` only. Default those of the engine. */
  readonly true?: readonly string[]
  readonly false?: readonly string[]
  /** The character before the fraction of a number. Default a point. */
  readonly decimalSeparator?: string
  /** The character between groups of digits. Default none. */
  readonly thousandsSeparator?: string
  /** Currency signs that may stand beside a number. Default none. */
  readonly currency?: readonly string[]
  /** Whether a number in parentheses is negative. Default false. */
  readonly parentheses?: boolean
  /** Whether the text is a percentage. Default false. */
  readonly percent?: boolean
  /** The unit in which `H:MM:SS` is read as a number. Default none. */
  readonly duration?: 'seconds' | 'milliseconds' | 'microseconds'
  readonly doc?: string
}
