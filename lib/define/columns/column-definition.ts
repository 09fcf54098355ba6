/** The data of columns: their types, and the options that say how their text is read. */

/** The types of columns, with those that their values have in functions. */
export interface ValueOfType {
  boolean: boolean
  int8: number
  int16: number
  int32: number
  int64: bigint
  uint8: number
  uint16: number
  uint32: number
  uint64: bigint
  float32: number
  float64: number
  /** As text, so that no digit is lost. */
  decimal: string
  string: string
  json: string
  /** The bytes; of texts those of UTF-8. */
  binary: Uint8Array
  /** `YYYY-MM-DD` */
  date: string
  /** `HH:MM:SS[.ffffff]` */
  time: string
  timestamp: Date
  timestamptz: Date
  list: readonly unknown[]
  struct: Readonly<Record<string, unknown>>
}

/** The column types without parameters of their own. */
export type ScalarType = Exclude<keyof ValueOfType, 'decimal' | 'list' | 'struct'>

/** The options of every column type. */
export interface ColumnOptions<Required extends boolean = boolean> {
  /**
   * Whether a null makes the row a reject. The column is optional in Parquet all the same. Default false.
   * @example column.int64({ required: true })
   */
  readonly required?: Required
  /**
   * The names that the column may have in the file, in a header, in the keys of JSON or in Parquet. Its own name counts only
   * where it is among them. A file with two of them is refused, a JSON record with two is a reject. Default its own name.
   * @example column.string({ from: ['Province_State', 'Province/State'] })
   */
  readonly from?: string | readonly string[]
  /**
   * Removes white space around the text before it is read; a text of white space alone is then null. In Parquet, this and the
   * other options count where the file's column is a text. Default false.
   * @example column.string({ trim: true })
   */
  readonly trim?: boolean
  /**
   * Texts that are read as null, besides those of the format. In Parquet, they count where the file's column is a text.
   * Default none.
   * @example column.float64({ nullValues: ['-', 'n/a'] })
   */
  readonly nullValues?: readonly string[]
  /**
   * A description for people. Default none.
   * @example column.int32({ doc: 'minutes after the planned time' })
   */
  readonly doc?: string
}

/** The options of `boolean`. */
export interface BooleanColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * The texts that mean true, exactly as written; `false` is given too. Default `true`, `t`, `yes`, `y` and `1`, in any case.
   * @example column.boolean({ true: ['oui', 'O'], false: ['non', 'N'] })
   */
  readonly true?: readonly string[]
  /**
   * The texts that mean false, exactly as written; `true` is given too. Default `false`, `f`, `no`, `n` and `0`, in any case.
   * @example column.boolean({ true: ['1'], false: ['0', '-'] })
   */
  readonly false?: readonly string[]
}

/** The options of whole numbers. */
export interface IntegerColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * The character between groups of digits; a space also means a no-break space. Numbers may lack it. Default none.
   * @example column.int32({ thousandsSeparator: ',' })
   */
  readonly thousandsSeparator?: string
  /**
   * Currency signs that may stand before or after the number. Default none.
   * @example column.decimal(10, 2, { currency: ['€', 'EUR'] })
   */
  readonly currency?: string | readonly string[]
  /**
   * Whether a number in parentheses is negative: `(5)` is −5. Default false.
   * @example column.decimal(10, 2, { parentheses: true })
   */
  readonly parentheses?: boolean
  /**
   * Reads a duration or a time of day, written as `H:MM:SS` and also past `24:00:00`, as a number of this unit. Default none.
   * @example column.int32({ duration: 'seconds' })
   */
  readonly duration?: 'seconds' | 'milliseconds' | 'microseconds'
}

/** The options of `decimal`, `float32` and `float64`. */
export interface NumberColumnOptions<Required extends boolean = boolean> extends IntegerColumnOptions<Required> {
  /**
   * The character before the fraction. Default a point.
   * @example column.decimal(10, 2, { decimalSeparator: ',', thousandsSeparator: '.' })
   */
  readonly decimalSeparator?: string
  /**
   * Whether the text is a percentage, which must end in `%`: `12.5%` is 0.125. Default false.
   * @example column.decimal(6, 4, { percent: true })
   */
  readonly percent?: boolean
}

/** The options of `date`, `time`, `timestamp` and `timestamptz`. */
export interface TimeColumnOptions<Required extends boolean = boolean> extends ColumnOptions<Required> {
  /**
   * How the text is written, in strptime's specifiers; several where files differ, of which the first that fits counts. Two that
   * could read one text differently, as `%d/%m/%Y` and `%m/%d/%Y`, are refused. Default ISO 8601.
   * @example column.timestamp({ format: ['%m/%d/%Y %H:%M', '%Y-%m-%dT%H:%M:%S'] })
   */
  readonly format?: string | readonly string[]
}

/** A column: its type, and how its text is read. */
export interface ColumnDefinition
  extends Omit<BooleanColumnOptions & NumberColumnOptions & TimeColumnOptions, 'from' | 'currency'> {
  readonly kind: 'column'
  readonly type: keyof ValueOfType
  /** The number of digits in all, 1 to 38; of `decimal` only. */
  readonly precision?: number
  /** The number of digits after the point; of `decimal` only. */
  readonly scale?: number
  /** The column that types the items; of `list` only. */
  readonly items?: ColumnDefinition
  /** The columns of the fields; of `struct` only. */
  readonly fields?: Readonly<Record<string, ColumnDefinition>>
  /** The names that the column may have in the file. Default its own. */
  readonly from?: readonly string[]
  /** Currency signs that may stand beside a number. Default none. */
  readonly currency?: readonly string[]
}
