/** Rewrites text for the engine where it cannot be taken as it is, or where each record must say where it stood. */
import { Buffer } from 'node:buffer'
import { type Dialect, toBytes } from './record-dialect.ts'
import { LineReader } from './record-lines.ts'
import { type RecordScan, scanRecords } from './records.ts'

export interface RewriteOptions {
  /** 1-based physical line of the first byte; default 1. */
  readonly firstLine?: number
  /** 1-based number of the first record; default 1. */
  readonly firstRecord?: number
  /** Given: each record is prefixed with this number, its line and its record. */
  readonly member?: number
  /** Where lines were dropped from the text before, as a rewrite says. */
  readonly gaps?: readonly number[]
  /** Of these bytes, where it is known. */
  readonly scan?: RecordScan
}

export interface Rewritten {
  readonly bytes: Uint8Array
  readonly newline: 'lf' | 'crlf'
  /** Where lines were dropped: an offset in `bytes`, how many lines are missing right before it, and so on in pairs. */
  readonly gaps: readonly number[]
}

/**
 * A copy without blank lines and comments, with one kind of newline outside quotes (CRLF only where all are) and one at
 * the end. Of a record with two malformed quoted fields only the text up to the first is kept, because the engine
 * would lose its place: it stays one bad record. A last record with an open quote stays open.
 * Memory: up to 60 bytes a record more than the text.
 */
export function rewriteRecords(bytes: Uint8Array, dialect: Dialect, options: RewriteOptions = {}): Rewritten {
  const { firstLine = 1, firstRecord = 1, member, gaps = [], scan = scanRecords(bytes, dialect) } = options
  const newline = scan.newline === 'crlf' ? 'crlf' : 'lf'
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const prefix = member === undefined ? undefined : new Prefix(dialect, member)
  const longest = prefix?.bytesAt(firstLine + scan.lines + linesOf(gaps), firstRecord + scan.records) ?? 0
  const target = Buffer.allocUnsafeSlow(bytes.length + (longest + 2) * (scan.records + 1))
  const line = new LineReader(bytes, dialect)
  const dropped = new DroppedLines(gaps)
  let size = 0
  for (let at = 0; at < bytes.length; ) {
    const start = at
    const { lines, records } = line.tally
    at = line.read(at)
    if (line.kind !== 'record') continue
    const missing = dropped.before(start, lines)
    if (prefix) size = prefix.write(target, size, { line: firstLine + lines + missing, record: firstRecord + records })
    else dropped.note(size)
    const isTangled = line.malformed > 1
    const end = isTangled ? characterEnd(bytes, line.malformedEnd) : at - line.newlineBytes
    size += source.copy(target, size, start, end)
    dropped.keep(isTangled ? countNewlines(bytes.subarray(start, end)) + 1 : line.tally.lines - lines)
    if (line.isOpen) continue
    if (newline === 'crlf') target[size++] = 13
    target[size++] = 10
  }
  return { bytes: target.subarray(0, size), newline, gaps: dropped.gaps }
}

/** Writes `<member>,<line>,<record>,` with the dialect's delimiter. */
class Prefix {
  private readonly delimiter: Uint8Array
  private readonly member: number

  constructor(dialect: Dialect, member: number) {
    this.delimiter = toBytes(dialect).delimiter
    this.member = member
  }

  bytesAt(line: number, record: number): number {
    return `${this.member}${line}${record}`.length + 3 * this.delimiter.length
  }

  /** The offset after it. */
  write(target: Uint8Array, at: number, { line, record }: { readonly line: number; readonly record: number }): number {
    return this.writeField(target, this.writeField(target, this.writeField(target, at, this.member), line), record)
  }

  private writeField(target: Uint8Array, at: number, value: number): number {
    let end = at + 1
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++
    for (let digit = end - 1, rest = value; digit >= at; digit--, rest = Math.floor(rest / 10))
      target[digit] = 48 + (rest % 10)
    for (const byte of this.delimiter) target[end++] = byte
    return end
  }
}

/** Keeps account of the lines that were not copied. */
class DroppedLines {
  /** What a second rewrite needs to know. */
  readonly gaps: number[] = []
  private readonly earlier: readonly number[]
  private next = 0
  private earlierLines = 0
  private keptLines = 0
  private missingLines = 0
  private notedLines = 0

  constructor(earlier: readonly number[]) {
    this.earlier = earlier
  }

  /** Lines that an earlier rewrite dropped before the record at `offset`, which stands after `lines` lines. */
  before(offset: number, lines: number): number {
    for (; (this.earlier[this.next] ?? Number.POSITIVE_INFINITY) <= offset; this.next += 2)
      this.earlierLines += this.earlier[this.next + 1] ?? 0
    this.missingLines = lines + this.earlierLines - this.keptLines
    return this.earlierLines
  }

  /** The record is copied to `offset`. */
  note(offset: number): void {
    if (this.missingLines > this.notedLines) this.gaps.push(offset, this.missingLines - this.notedLines)
    this.notedLines = this.missingLines
  }

  keep(lines: number): void {
    this.keptLines += lines
  }
}

function linesOf(gaps: readonly number[]): number {
  return gaps.reduce((sum, value, index) => (index % 2 === 1 ? sum + value : sum), 0)
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++
  return count
}

/** The end of the UTF-8 character that ends, or is cut, at `end`. */
function characterEnd(bytes: Uint8Array, end: number): number {
  let at = end
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
