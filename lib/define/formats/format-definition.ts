/** The data of formats: how records stand in a file. */

/** The encoding of a text; `windows-1252` is defined by the WHATWG encoding standard. */
export type TextEncoding = 'utf-8' | 'windows-1252'

/** The encodings of two bytes a character. `utf-16` is little-endian unless a byte order mark says otherwise. */
export type WideEncoding = 'utf-16' | 'utf-16le' | 'utf-16be'

/** Every encoding that a format may declare. */
export type DeclaredEncoding = TextEncoding | WideEncoding

export interface CsvFormat {
  readonly kind: 'csv'
  /**
   * The text between fields: one to four bytes. Default a comma.
   * @example csv({ delimiter: ';' })
   */
  readonly delimiter: string
  /**
   * The character around fields that hold delimiters or newlines, or an empty string for none. Default a double quote.
   * @example csv({ quote: '' })
   */
  readonly quote: string
  /**
   * The character before a quote inside a quoted field. Default the quote itself. With `quote: ''`, it stands before delimiters,
   * newlines and the letters of `\\n`, `\\t` and their like, as MySQL and PostgreSQL write text; `nullValues` is then `['\\N']` by default.
   * @example csv({ delimiter: '\t', quote: '', escape: '\\' })
   */
  readonly escape: string
  /**
   * Whether the first record names the columns. With `false`, columns are read by position. Default true.
   * @example csv({ header: false })
   */
  readonly header: boolean
  /**
   * The text at the beginning of lines that are not records. Default none.
   * @example csv({ comment: '//' })
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
   * The number of lines right below the header that are not read, for instance of units. Default 0.
   * @example csv({ skipAfterHeader: 1 })
   */
  readonly skipAfterHeader?: number
  /**
   * The number of lines at the end that are not read, blank lines not counted. A large file is then read by one thread. Default 0.
   * @example csv({ footer: 1 })
   */
  readonly footer?: number
  /**
   * The treatment of a row with fewer fields than the header: a `reject`, or a row with `null` in the others. Default `reject`.
   * @example csv({ shortRows: 'null' })
   */
  readonly shortRows?: 'reject' | 'null'
  /**
   * How the names in the header are compared with those of the columns. `ignoreCaseAndSpace` also finds ` Order ID` for
   * `order id`. Default `exact`.
   * @example csv({ matchNames: 'ignoreCaseAndSpace' })
   */
  readonly matchNames?: 'exact' | 'ignoreCaseAndSpace'
  /** The encoding of the text. Default UTF-8. */
  readonly encoding: DeclaredEncoding
}

export interface JsonLinesFormat {
  readonly kind: 'jsonLines'
  /** The encoding of the text. Default UTF-8. */
  readonly encoding?: DeclaredEncoding
}

export interface LinesFormat {
  readonly kind: 'lines'
  /** The source of a regular expression (RE2 syntax) that must match a whole line. Its named groups are the columns. */
  readonly pattern: string
  /** The encoding of the text. Default UTF-8. */
  readonly encoding?: DeclaredEncoding
}

export interface ParquetFormat {
  readonly kind: 'parquet'
}

export interface JsonFormat {
  readonly kind: 'json'
  /**
   * The place of the records in a document: a path of keys and `[*]` from `$`. Default the items of an array, or else the document itself.
   * @example json({ path: '$.Records[*]' })
   */
  readonly path?: string
  /** The encoding of the text. Default UTF-8. */
  readonly encoding?: DeclaredEncoding
}

/** A range of characters in a line, numbered from 1, both ends included. */
export interface FieldRange {
  /** The first character of the field; the first one of a line is 1. */
  readonly from: number
  /** The last character of the field. */
  readonly to: number
}

export interface FixedWidthFormat {
  readonly kind: 'fixedWidth'
  /** The place of each column in a line. */
  readonly columns: Readonly<Record<string, FieldRange>>
  /**
   * The number of lines at the beginning that are not read. Default 0.
   * @example fixedWidth({ columns: { id: 5 }, skip: 1 })
   */
  readonly skip: number
  /**
   * The number of lines at the end that are not read, blank lines not counted. A large file is then read by one thread. Default 0.
   * @example fixedWidth({ columns: { id: 5 }, footer: 1 })
   */
  readonly footer: number
  /**
   * The treatment of a line that ends before the last column does: a `reject`, or a row with `null` where nothing is left. Default `reject`.
   * @example fixedWidth({ columns: { id: 5, note: 40 }, shortRows: 'null' })
   */
  readonly shortRows: 'reject' | 'null'
  /** The encoding of the text. Default UTF-8. */
  readonly encoding?: DeclaredEncoding
}

export interface WorkbookFormat {
  readonly kind: 'xlsx'
  /**
   * The sheet that is read: its name, or its number in the order of the workbook, from 1, hidden sheets counted. Default the first sheet
   * that is not hidden.
   * @example xlsx({ sheet: 'Orders 2024' })
   */
  readonly sheet?: string | number | undefined
  /**
   * The number of the row that names the columns, as Excel shows it; rows above it are not read. With `false`, columns are read by
   * position, from row 1. Default 1.
   * @example xlsx({ headerRow: 4 })
   */
  readonly headerRow: number | false
  /**
   * How the names in the header are compared with those of the columns. `ignoreCaseAndSpace` also finds ` Order ID` for
   * `order id`. Default `exact`.
   * @example xlsx({ matchNames: 'ignoreCaseAndSpace' })
   */
  readonly matchNames?: CsvFormat['matchNames']
}

export interface XmlFormat {
  readonly kind: 'xml'
  /**
   * The path of the element that is a record: the names of the elements from the outermost one to it, without prefixes of namespaces.
   * Required.
   * @example xml({ record: 'orders/order' })
   */
  readonly record: string
  /**
   * The paths, from the record, of elements that are items of a list. Each is a list then, also where there is one of it. Others that occur
   * twice in a record make it a reject, where the task reads them. Default none.
   * @example xml({ record: 'orders/order', lists: ['item', 'customer/phone'] })
   */
  readonly lists?: readonly string[]
}

export interface AvroFormat {
  readonly kind: 'avro'
  /** Avro has one spelling of each name. */
  readonly matchNames?: undefined
}

/** How records stand in a file. */
export type Format =
  | AvroFormat
  | CsvFormat
  | FixedWidthFormat
  | JsonFormat
  | JsonLinesFormat
  | LinesFormat
  | ParquetFormat
  | WorkbookFormat
  | XmlFormat
