/** The data of formats: how records stand in a file. */

/** The encoding of a text; `windows-1252` is defined by the WHATWG encoding standard. */
export type TextEncoding = 'utf-8' | 'windows-1252'

export interface CsvFormat {
  readonly kind: 'csv'
  /**
   * What separates fields: one to four bytes. Default a comma.
   * @example csv({ delimiter: ';' })
   */
  readonly delimiter: string
  /**
   * The character around fields that hold delimiters or newlines, or an empty string for none. Default a double quote.
   * @example csv({ quote: '' })
   */
  readonly quote: string
  /**
   * The character before a quote inside a quoted field. Default the quote itself.
   * @example csv({ escape: '\\' })
   */
  readonly escape: string
  /**
   * Whether the first record names the columns. With `false`, columns are read by position. Default true.
   * @example csv({ header: false })
   */
  readonly header: boolean
  /**
   * The character at the beginning of lines that are not records. Default none.
   * @example csv({ comment: '#' })
   */
  readonly comment?: string
  /**
   * Unquoted texts that are read as null. A quoted empty field is an empty string. Default `['']`.
   * @example csv({ nullValues: ['', 'NA'] })
   */
  readonly nullValues: readonly string[]
  /**
   * The number of lines before the header that are not read. Default 0.
   * @example csv({ skip: 2 })
   */
  readonly skip: number
  /**
   * How the names in the header are compared with those of the columns. `ignoreCaseAndSpace` also finds ` Order ID` for
   * `order id`. Default `exact`.
   * @example csv({ matchNames: 'ignoreCaseAndSpace' })
   */
  readonly matchNames?: 'exact' | 'ignoreCaseAndSpace'
  /** The encoding of the text. Default UTF-8. */
  readonly encoding: TextEncoding
}

export interface JsonLinesFormat {
  readonly kind: 'jsonLines'
  /** The encoding of the text. Default UTF-8. */
  readonly encoding?: TextEncoding
}

export interface LinesFormat {
  readonly kind: 'lines'
  /** The source of a regular expression (RE2 syntax) that must match a whole line. Its named groups are the columns. */
  readonly pattern: string
  /** The encoding of the text. Default UTF-8. */
  readonly encoding?: TextEncoding
}

export interface ParquetFormat {
  readonly kind: 'parquet'
}

/** How records stand in a file. */
export type Format = CsvFormat | JsonLinesFormat | LinesFormat | ParquetFormat
