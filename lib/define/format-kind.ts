/** The table of the kinds of formats, as data: how records stand in a file, and how columns are named. */
import type { CsvFormat, Format, JsonLinesFormat, LinesFormat, Source, TextEncoding } from './definition.ts'
import { groupNames, matchesBlank } from './line-pattern.ts'

/** A format whose text can be cut at the ends of records. */
export type TextFormat = CsvFormat | JsonLinesFormat | LinesFormat

/** Delimiter of the columns of staged lines (JSON lines, log lines). Four bytes are the most that the engine takes. */
export const lineDelimiter = '\x1e\x1f\x1e\x1f'

/** How the bytes of a text are cut into records and fields. */
export interface TextLayout {
  readonly delimiter: string
  /** One ASCII character, or empty for none, as `escape`. */
  readonly quote: string
  readonly escape: string
  readonly comment?: string
  /** The lines above the records, and whether a header follows them. */
  readonly skip: number
  readonly header: boolean
  readonly encoding: TextEncoding
  /** Whether blank lines are records. */
  readonly hasBlankRecords: boolean
}

export interface FormatKind {
  /** Absent for files that are no text: they are read whole, and neither cut nor counted. */
  readonly text?: TextLayout
  /**
   * Where the columns of a file are known from: its `header`, the `position` of the fields, the keys of each `record`, the
   * `pattern` of the format, or a description in the `file`.
   */
  readonly columnsFrom: 'header' | 'position' | 'record' | 'pattern' | 'file'
  /** The columns that the pattern names. */
  readonly ownColumns?: readonly string[]
  /** Bytes of text for one byte of the file. */
  readonly textPerByte: number
}

const wholeLine = { delimiter: lineDelimiter, quote: '', escape: '', skip: 0, header: false }
/** A byte of Parquet is as many bytes of text: measured between 4 and 5, with zstd and snappy alike. */
export const textPerParquet = 4.5

const kinds: { readonly [K in Format['kind']]: (format: Extract<Format, { kind: K }>) => FormatKind } = {
  csv: format => ({
    text: { ...format, hasBlankRecords: false },
    columnsFrom: format.header ? 'header' : 'position',
    textPerByte: 1,
  }),
  jsonLines: ({ encoding = 'utf-8' }) => ({
    text: { ...wholeLine, encoding, hasBlankRecords: false },
    columnsFrom: 'record',
    textPerByte: 1,
  }),
  lines: ({ encoding = 'utf-8', pattern }) => ({
    text: { ...wholeLine, encoding, hasBlankRecords: matchesBlank(pattern) },
    columnsFrom: 'pattern',
    ownColumns: groupNames(pattern),
    textPerByte: 1,
  }),
  parquet: () => ({ columnsFrom: 'file', textPerByte: textPerParquet }),
}

/** What is known of each format, because patterns are parsed for it. */
const known = new WeakMap<Format, FormatKind>()

/** Returns what a format is. */
export function formatKind<K extends Format['kind']>(format: Extract<Format, { kind: K }>): FormatKind {
  const found = known.get(format)
  if (found) return found
  const kind: (format: Extract<Format, { kind: K }>) => FormatKind = kinds[format.kind as K]
  const made = kind(format)
  known.set(format, made)
  return made
}

/** Returns how a format's text is cut into records. */
export const layoutOfText = (format: TextFormat): TextLayout => formatKind(format).text as TextLayout

/** Whether files of a format are text. */
export const isText = (format: Format): format is TextFormat => formatKind(format).text !== undefined

/** Whether records have fields: their columns stand in a header, or are known by their position. */
export const hasFields = (format: Format): format is CsvFormat =>
  ['header', 'position'].includes(formatKind(format).columnsFrom)

/** Whether the records of a source may leave columns out. */
export const mayLeaveOut = ({ format }: Source): boolean =>
  format !== undefined && formatKind(format).columnsFrom === 'record'

/** Whether the files of a format begin with a header. */
export const hasHeader = (format: Format): format is CsvFormat => formatKind(format).columnsFrom === 'header'
