/** Prepares one text for a stage: reads its header, counts its records, and rewrites what the engine would misread. */
import { isUtf8 } from 'node:buffer'
import { hasFields, type TextFormat } from '../define/formats/format-kind.ts'
import { withPlace } from '../model/member-place.ts'
import { readHeader } from '../text/csv-header.ts'
import { toUtf8 } from '../text/encoding.ts'
import { checkTextStart } from '../text/other-file.ts'
import { type Dialect, encodingOf, topOf } from '../text/records/dialect.ts'
import { type EarlyReject, earlyRejects, type TakeReject } from '../text/records/early-rejects.ts'
import { type RecordScan, scanRecords } from '../text/records/records.ts'
import { rewriteRecords } from '../text/records/rewrite.ts'
import { filterText, gapsFrom } from '../text/text-filter.ts'

/** Archive, member and position that a text comes from. */
export interface Origin {
  readonly archive: string
  readonly member: string
  /** 1-based physical line of the first byte; default 1. */
  readonly firstLine?: number
  /** 1-based number of the first record; default 1. */
  readonly firstRecord?: number
  /** Set for a later piece of a member, which has no header of its own; empty for columns by position. */
  readonly header?: readonly string[]
  /** Set for text that was staged before: it is UTF-8 whatever the format's encoding, and lacks these lines. */
  readonly gaps?: readonly number[]
  readonly scan?: RecordScan
}

/** Shared by all texts without gaps. */
const noGaps: readonly number[] = []

/** A text with its header read, ready to be written to a staged file. */
export interface StageableText {
  readonly columns: readonly string[]
  readonly newline: 'lf' | 'crlf'
  readonly records: number
  readonly firstLine: number
  readonly firstRecord: number
  /** True when no other text may follow in the same file: its last record has an open quote. */
  readonly isAlone: boolean
  /** Whether the records begin with what is a byte order mark at the beginning of a file. */
  readonly hasMark: boolean
  /** The records, where they are written as they are. */
  readonly unchanged?: Uint8Array
  /** Passes the text to `write`, rewritten where the engine needs that, and the records that are rejects already to `setAside`. */
  writeTo(
    write: (piece: Uint8Array) => void,
    setAside: (record: EarlyReject) => void,
  ): { readonly gaps: readonly number[]; readonly longest?: number }
}

export interface StageTextOptions {
  readonly format: TextFormat
  readonly dialect: Dialect
  readonly origin: Origin
  /** Names of the fields where there is no header; empty for any number. */
  readonly columnNames: readonly string[]
  /** Index that located records are prefixed with; absent where records are not located. */
  readonly member?: number | undefined
}

/** Reads the header of a text and counts its records. @throws INPUT_ENCODING, INPUT_INVALID */
export function prepareText(given: Uint8Array, options: StageTextOptions): StageableText {
  const { dialect, origin, member } = options
  const { bytes, columns, lines, isWhole, gaps } = readTop(given, options)
  const { firstRecord = 1 } = origin
  const firstLine = (origin.firstLine ?? 1) + lines
  // Another encoding changes no record's end: a scan holds for the converted text too.
  const scan = (isWhole && origin.scan) || scanRecords(bytes, dialect)
  const counts = { records: scan.records, firstLine, firstRecord }
  const shared = { columns, ...counts, isAlone: scan.endsInsideQuote, hasMark: hasMark(bytes) }
  if (scan.records === 0) return { ...shared, newline: 'lf', isAlone: false, writeTo: () => ({ gaps: noGaps }) }
  const newline = styleOf(scan)
  if (member !== undefined || mustRewrite(scan, columns, options.format)) {
    return {
      ...shared,
      newline,
      writeTo: (write, setAside) => {
        const takeReject = member === undefined ? undefined : earlyRejectsIn(bytes, { ...options, columns, setAside })
        return rewriteRecords(bytes, dialect, { firstLine, firstRecord, gaps, scan, member, takeReject, write })
      },
    }
  }
  const writeTo: StageableText['writeTo'] = write => {
    write(bytes)
    if (!scan.endsWithNewline && !scan.endsInsideQuote) write(newlineOf(newline))
    return { gaps }
  }
  return { ...shared, newline, unchanged: bytes, writeTo }
}

interface EarlyRejectOptions extends Pick<StageTextOptions, 'format' | 'dialect' | 'columnNames'> {
  readonly columns: readonly string[]
  setAside(record: EarlyReject): void
}

function earlyRejectsIn(
  bytes: Uint8Array,
  { format, dialect, columns, columnNames, setAside }: EarlyRejectOptions,
): TakeReject {
  const names = columns.length > 0 ? columns : columnNames
  return earlyRejects({
    dialect,
    columns: hasFields(format) ? names : [],
    encoding: isUtf8(bytes) ? undefined : `UTF-8, or encoding in ${format.kind}()`,
    keep: setAside,
  })
}

/** Reads the header: returns the records below it in UTF-8, the column names, and the lines above the records. */
function readTop(given: Uint8Array, { format, dialect, origin }: StageTextOptions) {
  try {
    const isDelimited = hasFields(format)
    const isUtf8 = origin.gaps !== undefined
    if (origin.header) {
      const bytes = isUtf8 ? given : toUtf8(given, encodingOf(format))
      const columns = isDelimited ? origin.header : ['line']
      return { bytes, columns, lines: 0, isWhole: true, gaps: origin.gaps ?? noGaps }
    }
    const name = origin.member || origin.archive
    const filtered = filterText(format, name, given)
    checkTextStart(filtered.bytes, name, encodingOf(format))
    const text = toUtf8(filtered.bytes, encodingOf(format))
    const { names, end, line } = readHeader(text, dialect, topOf(format))
    const below = gapsFrom(filtered.gaps ?? noGaps, end)
    const columns = isDelimited ? names : ['line']
    return { bytes: text.subarray(end), columns, lines: line - 1 + below.lines, isWhole: end === 0, gaps: below.gaps }
  } catch (error) {
    throw withPlace(error, origin)
  }
}

/** Returns the newline style of a text that is written as it is; undefined where it must be prepared by `prepareText`. */
export function plainNewline(
  scan: RecordScan,
  columns: readonly string[],
  format: TextFormat,
): 'lf' | 'crlf' | undefined {
  const isPlain = scan.records > 0 && !scan.endsInsideQuote && !mustRewrite(scan, columns, format)
  return isPlain ? styleOf(scan) : undefined
}

/** Returns the newline of a text whose newlines are all the same. */
export const styleOf = ({ newline }: RecordScan): 'lf' | 'crlf' => (newline === 'crlf' ? 'crlf' : 'lf')

/** U+FEFF, which the engine drops at the beginning of a file. */
export const byteOrderMark: Uint8Array = Buffer.from('\ufeff')

export const hasMark = (text: Uint8Array): boolean => byteOrderMark.every((byte, at) => text[at] === byte)

/** Returns a newline as bytes. */
export const newlineOf = (style: 'lf' | 'crlf'): Uint8Array => Buffer.from(style === 'crlf' ? '\r\n' : '\n')

/** True for text that the engine would refuse or misread: it accepts one kind of newline, and reads a blank line as nulls where it may. */
function mustRewrite(scan: RecordScan, columns: readonly string[], format: TextFormat): boolean {
  const { newline, commentLines, tangled, blankLines } = scan
  const mayBeBlank = columns.length < 2 || ('shortRows' in format && format.shortRows === 'null')
  return newline === 'mixed' || newline === 'cr' || commentLines > 0 || tangled > 0 || (blankLines > 0 && mayBeBlank)
}
