/** Stages text for the engine: members of one header and newline style joined into few files, each record counted. */
import { join } from 'node:path'
import { CapacityError } from '../errors/errors.ts'
import { withPlace } from '../model/member-place.ts'
import type { ParquetContent } from '../parquet/file.ts'
import { readHeader } from '../text/csv-header.ts'
import { checkEncoding, toUtf8 } from '../text/encoding.ts'
import { refuseOtherFile } from '../text/other-file.ts'
import { type Dialect, dialectOf, encodingOf, lineDelimiter, type TextFormat } from '../text/record-dialect.ts'
import { rewriteRecords } from '../text/record-rewrite.ts'
import { type RecordScan, scanRecords } from '../text/records.ts'
import { type AsideRecord, SetAside } from '../text/set-aside.ts'
import { FileWriter } from './file-writer.ts'

export interface StageOptions {
  /** Exists; the stage makes files in it, and no others of this folder may begin with the same name. */
  readonly folder: string
  readonly format: TextFormat
  /** Prefix each record with the index of its member, its line and its record. */
  readonly located: boolean
  /** Bytes of all staged files together. */
  readonly stageBytesMax: number
  /** A file for each member, whatever their headers; default false. */
  readonly isByMember?: boolean
  /** Fields of a record where there is no header; default 0, which is any number. */
  readonly columnCount?: number
  /** Begins the files' names; default `stage`. */
  readonly name?: string
}

/** Where the text comes from. */
export interface Origin {
  readonly archive: string
  readonly member: string
  /** 1-based physical line of the first byte; default 1. */
  readonly firstLine?: number
  /** 1-based number of the first record; default 1. */
  readonly firstRecord?: number
  /** Given when the text is a later piece of a member, without a header of its own; empty when it is read by position. */
  readonly header?: readonly string[]
  /** Given when the text was staged before: it is UTF-8 whatever the format says, and lacks these lines. */
  readonly gaps?: readonly number[]
  /** Given when the text was scanned already, as it is. */
  readonly scan?: RecordScan
}

export interface StagedMember {
  /** 0-based, in the order of `add`, over all files of the stage; what located records are prefixed with. */
  readonly index: number
  readonly archive: string
  readonly member: string
  readonly records: number
  /** Bytes of its records in the staged file, end exclusive. */
  readonly start: number
  readonly end: number
  /** Physical line in the member at which its staged text began. */
  readonly firstLine: number
  /** Number in the member of its first record here. */
  readonly firstRecord: number
  /** Names of its columns in file order; empty for an empty member, or where no header is read. */
  readonly header: readonly string[]
  /** Lines that were dropped (blank ones, comments): see Rewritten; to be given to `add` when this text is staged again. */
  readonly gaps?: readonly number[]
}

export interface StagedFile {
  readonly file: string
  /** In file order: of the header; `line` for lines; empty where there is no header: by position. */
  readonly columns: readonly string[]
  /** Of its records' ends; quoted newlines are as they came. */
  readonly newline: 'lf' | 'crlf'
  readonly records: number
  readonly bytes: number
  readonly located: boolean
  /** Bytes of its longest record, known where all are located. */
  readonly longestRecord?: number
  /** Its last record has a quote that is not closed. */
  readonly isOpen?: boolean
  /** A file of records that are rejects already; they are counted among the records, and are not in the text. */
  readonly setAside?: string
  readonly members: readonly StagedMember[]
  /** Given for a Parquet file, which is prepared for the engine; located means that its texts are read as bytes. */
  readonly parquet?: ParquetContent
}

export interface Stage {
  /**
   * Stages a member's text, or a piece of one. The bytes are not needed afterwards.
   * @throws INPUT_ENCODING for UTF-16; INPUT_INVALID for a header with equal names; DISK_FULL
   */
  add(bytes: Uint8Array, origin: Origin): void
  /** Bytes staged so far. */
  readonly bytes: number
  /** Records staged so far. */
  readonly records: number
  /** Closes the files. One without records has no bytes, but its members and their headers. */
  finish(): StagedFile[]
  /** Closes and removes the files; also after `finish`. */
  discard(): void
}

/** Shared by all members without any. */
const noGaps: readonly number[] = []
/** Members may have as many headers as there are members; so many files at most are open, with a buffer each. */
const openFilesMax = 16
/** A careful reading keeps all of a file in the engine's memory, as far as that goes. */
const locatedFileBytes = 24 * 1024 * 1024

/**
 * A stage without files yet. Writes synchronously. Memory: 5 MiB, and up to four times the text given to `add` where
 * it is in another encoding.
 */
export function createStage(options: StageOptions): Stage {
  const { folder, format, located, stageBytesMax, isByMember = false, name = 'stage', columnCount = 0 } = options
  const dialect = dialectOf(format)
  const groups: Group[] = []
  const joinable = new Map<string, Group>()
  const open = new Set<Group>()
  let members = 0
  let bytes = 0
  let records = 0
  const groupOf = (text: Text): Group => {
    const key = JSON.stringify([text.columns, text.newline])
    const found = text.isAlone || isByMember ? undefined : joinable.get(key)
    if (found && !(located && found.writer.bytes >= locatedFileBytes)) return found
    found?.writer.close()
    found?.aside?.close()
    const writer = new FileWriter(join(folder, `${name}-${groups.length}.txt`))
    const made = {
      writer,
      columns: text.columns,
      newline: text.newline,
      isOpen: text.isAlone,
      members: [],
      records: 0,
      longest: 0,
    }
    groups.push(made)
    if (!text.isAlone) joinable.set(key, made)
    return made
  }
  const closeAll = (): void => {
    for (const { writer, aside } of open) {
      writer.close()
      aside?.close()
    }
    open.clear()
  }
  return {
    add(given, origin) {
      const index = members++
      const text = textOf(given, { format, dialect, origin, columnCount, ...(located ? { member: index } : {}) })
      records += text.records
      const group = groupOf(text)
      if (open.size >= openFilesMax && !open.has(group)) closeAll()
      open.add(group)
      const write = (piece: Uint8Array): void => {
        bytes += piece.length
        if (bytes > stageBytesMax) throw stageFull(bytes, stageBytesMax)
        group.writer.append(piece)
      }
      put(group, text, { write, index, archive: origin.archive, member: origin.member })
    },
    get bytes() {
      return bytes
    },
    get records() {
      return records
    },
    finish() {
      closeAll()
      return groups.map(group => stagedFile(group, located))
    },
    discard() {
      for (const { writer, aside } of groups) {
        writer.remove()
        aside?.remove()
      }
      open.clear()
    },
  }
}

/** Members that stand in one file. */
interface Group {
  readonly writer: FileWriter
  aside?: FileWriter
  readonly columns: readonly string[]
  readonly newline: 'lf' | 'crlf'
  readonly isOpen: boolean
  readonly members: StagedMember[]
  records: number
  longest: number
}

type Placed = Pick<StagedMember, 'index' | 'archive' | 'member'> & { write(piece: Uint8Array): void }

function put(group: Group, text: Text, { write, ...named }: Placed): void {
  const { records, firstLine, firstRecord } = text
  // One list of names for all members of the group: a million of their own would not fit into memory.
  const { columns } = group
  const start = group.writer.bytes
  const { gaps, longest = 0 } = text.put(write, record => {
    group.aside ??= new FileWriter(group.writer.file.replace(/\.txt$/, '.rejects'))
    const { line, record: number, expected, text: whole } = record
    const fields = [named.index, line, number, expected, JSON.stringify(whole)]
    group.aside.append(Buffer.from(`${fields.join(lineDelimiter)}\n`))
  })
  group.records += records
  group.longest = Math.max(group.longest, longest)
  const end = group.writer.bytes
  group.members.push({ ...named, records, start, end, firstLine, firstRecord, header: columns, gaps })
}

function stagedFile({ writer, aside, longest, ...group }: Group, located: boolean): StagedFile {
  const file = { file: writer.file, ...group, bytes: writer.bytes, located, ...(aside && { setAside: aside.file }) }
  return located ? { ...file, longestRecord: longest } : file
}

/** A text as it is to be staged. */
interface Text {
  readonly columns: readonly string[]
  readonly newline: 'lf' | 'crlf'
  readonly records: number
  readonly firstLine: number
  readonly firstRecord: number
  /** Nothing may follow it in its file. */
  readonly isAlone: boolean
  /** Writes it, rewritten where it must be. */
  put(
    write: (piece: Uint8Array) => void,
    keep: (record: AsideRecord) => void,
  ): { readonly gaps: readonly number[]; readonly longest?: number }
}

interface TextOptions {
  readonly format: TextFormat
  readonly dialect: Dialect
  readonly origin: Origin
  readonly columnCount: number
  readonly member?: number
}

function textOf(given: Uint8Array, options: TextOptions): Text {
  const { dialect, origin, member } = options
  const { bytes, columns, lines, isWhole } = topOf(given, options)
  const { firstRecord = 1, gaps = noGaps } = origin
  const firstLine = (origin.firstLine ?? 1) + lines
  // Another encoding changes no record's end: a scan holds for the converted text too.
  const scan = (isWhole && origin.scan) || scanRecords(bytes, dialect)
  const shared = { columns, records: scan.records, firstLine, firstRecord, isAlone: scan.endsInsideQuote }
  if (scan.records === 0) return { ...shared, newline: 'lf', isAlone: false, put: () => ({ gaps: noGaps }) }
  const newline = scan.newline === 'crlf' ? 'crlf' : 'lf'
  if (member !== undefined || mustRewrite(scan, columns)) {
    const rewriting = { firstLine, firstRecord, gaps, scan, ...(member !== undefined && { member }) }
    const fields = options.format.kind === 'csv' ? columns.length || options.columnCount : 0
    return {
      ...shared,
      newline,
      put: (write, keep) => {
        const aside = member === undefined ? {} : { aside: new SetAside(dialect, fields, keep) }
        return rewriteRecords(bytes, dialect, { ...rewriting, ...aside, write })
      },
    }
  }
  const put = (write: (piece: Uint8Array) => void) => {
    write(bytes)
    if (!scan.endsWithNewline && !scan.endsInsideQuote) write(Buffer.from(newline === 'crlf' ? '\r\n' : '\n'))
    return { gaps }
  }
  return { ...shared, newline, put }
}

/** The records of a text in UTF-8, and what stands above them. */
function topOf(given: Uint8Array, { format, dialect, origin }: TextOptions) {
  try {
    const text = origin.gaps ? given : toUtf8(given, encodingOf(format))
    const isCsv = format.kind === 'csv'
    if (origin.header) return { bytes: text, columns: isCsv ? origin.header : ['line'], lines: 0, isWhole: true }
    refuseOtherFile(given, origin.member || origin.archive)
    checkEncoding(given, encodingOf(format))
    const { skip, header } = isCsv ? format : { skip: 0, header: false }
    const { names, end, line } = readHeader(text, dialect, { skip, header })
    return { bytes: text.subarray(end), columns: isCsv ? names : ['line'], lines: line - 1, isWhole: end === 0 }
  } catch (error) {
    throw withPlace(error, origin)
  }
}

/** What the engine would refuse, or read otherwise: it takes one kind of newline, and a blank line of one column for a null. */
function mustRewrite(scan: RecordScan, columns: readonly string[]): boolean {
  const { newline, commentLines, tangled, blankLines } = scan
  return (
    newline === 'mixed' || newline === 'cr' || commentLines > 0 || tangled > 0 || (blankLines > 0 && columns.length < 2)
  )
}

function stageFull(bytes: number, stageBytesMax: number): CapacityError {
  const message = `expected at most ${stageBytesMax} bytes of staged text, got ${bytes}; plan smaller slices, or raise the limit`
  return new CapacityError('DISK_FULL', message, { bytes, stageBytesMax })
}
