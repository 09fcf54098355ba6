/** The table of the kinds of formats, as data: how records stand in a file, and how columns are named. */

import type {
  AvroFormat,
  CsvFormat,
  DeclaredEncoding,
  FixedWidthFormat,
  Format,
  JsonFormat,
  JsonLinesFormat,
  LinesFormat,
  Source,
  TextEncoding,
  WideEncoding,
  WorkbookFormat,
  XmlFormat,
} from '../definition.ts'
import { avroText } from './avro-format.ts'
import { groupNames, matchesBlank } from './line-pattern.ts'
import { sheetFormat } from './workbook-format.ts'

/** A format whose text can be cut at the ends of records. */
export type TextFormat = FieldFormat | FixedWidthFormat | JsonFormat | JsonLinesFormat | LinesFormat | XmlFormat

/** A format whose records have fields: their columns stand in a header, or are known by their position. */
export type FieldFormat = AvroFormat | CsvFormat | WorkbookFormat

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
  /** The lines right below the header that are not read. */
  readonly skipAfterHeader: number
  /** That of the bytes after they were rewritten. */
  readonly encoding: TextEncoding
  /** How the bytes of a text are rewritten before records are found: see `lib/text/text-filter.ts`. */
  readonly decoded?: Exclude<DeclaredEncoding, 'utf-8'> | undefined
  readonly footer: number
  readonly escapes?: { readonly escape: string; readonly delimiter: string } | undefined
  readonly document?: { readonly path?: string | undefined } | undefined
  /** The sheet whose cells are rewritten to this text: see `lib/workbook`. */
  readonly workbook?: Pick<WorkbookFormat, 'sheet' | 'headerRow'> | undefined
  /** Whether it is an Avro file whose records are rewritten to this text: see `lib/avro`. */
  readonly avro?: boolean
  /** The elements that are rewritten to this text: see `lib/xml`. */
  readonly xml?: Pick<XmlFormat, 'record' | 'lists'> | undefined
  /** Whether blank lines are records. */
  readonly hasBlankRecords: boolean
}

export interface FormatKind {
  /** Absent for files that are no text: they are read whole, and neither cut nor counted. */
  readonly text?: TextLayout
  /**
   * The part of a file from which its columns are known: its `header`, the `position` of the fields, the keys of each `record`, the
   * `pattern` of the format, or a description in the `file`.
   */
  readonly columnsFrom: 'header' | 'position' | 'record' | 'pattern' | 'file'
  /** The columns that the pattern names. */
  readonly ownColumns?: readonly string[]
  /** Bytes of text for one byte of the file. */
  readonly textPerByte: number
}

/** A text that is read as it is, in the encoding that its format declares. */
const plainText = (encoding: DeclaredEncoding = 'utf-8', isRewritten = false): PlainText => {
  const isDecoded = isWide(encoding) || (isRewritten && encoding !== 'utf-8')
  return {
    encoding: isDecoded || isWide(encoding) ? 'utf-8' : encoding,
    decoded: isDecoded ? (encoding as TextLayout['decoded']) : undefined,
    skip: 0,
    skipAfterHeader: 0,
    footer: 0,
    hasBlankRecords: false,
  }
}

type PlainText = Omit<TextLayout, 'delimiter' | 'quote' | 'escape' | 'comment' | 'header'>

/** Whether an encoding has two bytes a character. */
export const isWide = (encoding: DeclaredEncoding): encoding is WideEncoding => encoding.startsWith('utf-16')

/** A text of lines that are records. */
const lineText = (encoding?: DeclaredEncoding, isRewritten = false): TextLayout => ({
  ...plainText(encoding, isRewritten),
  delimiter: lineDelimiter,
  quote: '',
  escape: '',
  header: false,
})

/** A byte of Parquet is as many bytes of text: measured between 4 and 5, with zstd and snappy alike. */
export const textPerParquet = 4.5

/** A byte of a workbook is as many bytes of the text of its rows: measured 1.6 with five columns of numbers and texts. */
const textPerWorkbook = 1.6

/** A byte of Avro in a common compression is as many bytes of the text of its records. */
const textPerAvro = 4

const kinds: { readonly [K in Format['kind']]: (format: Extract<Format, { kind: K }>) => FormatKind } = {
  avro: () => ({ text: { ...csvText(avroText), avro: true }, columnsFrom: 'header', textPerByte: textPerAvro }),
  csv: format => ({
    text: csvText(format),
    columnsFrom: format.header ? 'header' : 'position',
    textPerByte: 1,
  }),
  json: ({ encoding, path }) => ({
    text: { ...lineText(encoding, true), document: { path } },
    columnsFrom: 'record',
    textPerByte: 1,
  }),
  fixedWidth: ({ encoding, skip, footer, columns }) => ({
    text: { ...lineText(encoding), skip, footer },
    columnsFrom: 'pattern',
    ownColumns: Object.keys(columns),
    textPerByte: 1,
  }),
  jsonLines: ({ encoding }) => ({
    text: lineText(encoding),
    columnsFrom: 'record',
    textPerByte: 1,
  }),
  lines: ({ encoding, pattern }) => ({
    text: { ...lineText(encoding), hasBlankRecords: matchesBlank(pattern) },
    columnsFrom: 'pattern',
    ownColumns: groupNames(pattern),
    textPerByte: 1,
  }),
  xlsx: format => ({
    text: { ...csvText(sheetFormat(format)), workbook: format },
    columnsFrom: format.headerRow === false ? 'position' : 'header',
    textPerByte: textPerWorkbook,
  }),
  xml: format => ({ text: { ...lineText(), xml: format }, columnsFrom: 'record', textPerByte: 1 }),
  parquet: () => ({ columnsFrom: 'file', textPerByte: textPerParquet }),
}

function csvText(format: CsvFormat): TextLayout {
  const { delimiter, quote, escape: escaped, comment, header, skip, skipAfterHeader = 0, footer = 0, encoding } = format
  const escapes = quote === '' && escaped !== '' ? { escape: escaped, delimiter } : undefined
  const fields = { delimiter, quote, escape: escapes ? '' : escaped, comment, header }
  return { ...plainText(encoding, escapes !== undefined), ...fields, skip, skipAfterHeader, footer, escapes }
}

/** Whether a large text can be read from the middle. Text that is rewritten, or has comments, is read from its start. */
export function canBeCut(format: Format): boolean {
  const { text } = formatKind(format)
  if (!text || text.comment || text.decoded || text.footer > 0) return false
  return !text.escapes && !text.document && !isParsed(format)
}

/** Facts about each format, because patterns are parsed for it. */
const known = new WeakMap<Format, FormatKind>()

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

/** Whether the text of a format is written by a reader of workbooks, XML or Avro: a small file may have any number of records, which are read in pieces. */
export function isParsed(format: Format): boolean {
  const { text } = formatKind(format)
  return text?.workbook !== undefined || text?.xml !== undefined || text?.avro === true
}

/** Whether records have fields: their columns stand in a header, or are known by their position. */
export const hasFields = (format: Format): format is FieldFormat =>
  ['header', 'position'].includes(formatKind(format).columnsFrom)

/** Whether the records of a source may leave columns out. */
export const mayLeaveOut = ({ format }: Source): boolean =>
  format !== undefined && formatKind(format).columnsFrom === 'record'

/** Whether the files of a format begin with a header. */
export const hasHeader = (format: Format): format is FieldFormat => formatKind(format).columnsFrom === 'header'
