/** Rewrites text for the engine where it cannot be taken as it is, or where each record must say where it stood. */
import { Buffer } from 'node:buffer'
import { type Dialect, toBytes } from './record-dialect.ts'
import { LineReader } from './record-lines.ts'
import { type RecordScan, scanRecords } from './records.ts'
import type { SetAside } from './set-aside.ts'

export interface RewriteOptions {
  /** 1-based physical line of the first byte; default 1. */
  readonly firstLine?: number
  /** 1-based number of the first record; default 1. */
  readonly firstRecord?: number
  /** Given: each record is prefixed with this number, its line and its record. */
  readonly member?: number
  /** Where lines were dropped from the text before, as a rewrite says. */
  readonly gaps?: readonly number[]
  /** Given: records that the engine would make much of little are not written but given to this; see `SetAside`. */
  readonly aside?: SetAside
  /** Of these bytes, where it is known. */
  readonly scan?: RecordScan
}

export interface Rewritten {
  readonly newline: 'lf' | 'crlf'
  /** Where lines were dropped: an offset in what was written, how many lines are missing right before it, and so on in pairs. */
  readonly gaps: readonly number[]
  /** Bytes of the longest record, with its prefix and newline. */
  readonly longest: number
}

/**
 * Writes a copy without blank lines and comments, with one kind of newline outside quotes (CRLF only where all are) and one
 * at the end. Of a record with two malformed quoted fields only the text up to the first is kept, because the engine
 * would lose its place: it stays one bad record. A last record with an open quote stays open.
 * Memory: a piece of 1 MiB, which `write` must not keep.
 */
export function rewriteRecords(
  bytes: Uint8Array,
  dialect: Dialect,
  { write, ...options }: RewriteOptions & { write(piece: Uint8Array): void },
): Rewritten {
  const { firstLine = 1, firstRecord = 1, member, gaps = [], aside, scan = scanRecords(bytes, dialect) } = options
  const newline = scan.newline === 'crlf' ? 'crlf' : 'lf'
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const prefix = member === undefined ? undefined : new Prefix(dialect, member)
  const prefixBytes = prefix?.bytesAt(firstLine + scan.lines + linesOf(gaps), firstRecord + scan.records) ?? 0
  const pieces = new Pieces(bytes.length + (prefixBytes + 2) * (scan.records + 1), write)
  const line = new LineReader(bytes, dialect)
  const dropped = new DroppedLines(gaps)
  let longest = 0
  for (let at = 0; at < bytes.length; ) {
    const start = at
    const { lines, records } = line.tally
    at = line.read(at)
    if (line.kind !== 'record') continue
    const missing = dropped.before(start, lines)
    if (
      aside?.take(bytes.subarray(start, at - line.newlineBytes), {
        line: firstLine + lines + missing,
        record: firstRecord + records,
      })
    )
      continue
    const begin = pieces.written
    if (prefix) pieces.prefix(prefix, prefixBytes, { line: firstLine + lines + missing, record: firstRecord + records })
    else dropped.note(begin)
    const isTangled = line.malformed > 1
    const end = isTangled ? characterEnd(bytes, line.malformedEnd) : at - line.newlineBytes
    pieces.copy(source, start, end)
    dropped.keep(
      isTangled ? countNewlines(bytes.subarray(start, end)) + 1 : line.tally.lines - lines - line.quotedReturns,
    )
    if (!line.isOpen) pieces.end(newline)
    longest = Math.max(longest, pieces.written - begin)
  }
  pieces.flush()
  return { newline, gaps: dropped.gaps, longest }
}

const pieceBytesMax = 1024 * 1024

/** What is written, gathered. */
class Pieces {
  private readonly target: Buffer
  private readonly send: (piece: Uint8Array) => void
  private size = 0
  private sent = 0

  constructor(bytesMax: number, send: (piece: Uint8Array) => void) {
    this.target = Buffer.allocUnsafeSlow(Math.min(pieceBytesMax, bytesMax))
    this.send = send
  }

  get written(): number {
    return this.sent + this.size
  }

  prefix(prefix: Prefix, bytesMax: number, place: { readonly line: number; readonly record: number }): void {
    this.reserve(bytesMax)
    this.size = prefix.write(this.target, this.size, place)
  }

  copy(source: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    // By slices as large as the target, for a record that is larger.
    for (let at = start; at < end; ) {
      if (this.size === this.target.length) this.flush()
      const copied = source.copy(this.target, this.size, at, end)
      this.size += copied
      at += copied
    }
  }

  end(newline: 'lf' | 'crlf'): void {
    this.reserve(2)
    if (newline === 'crlf') this.target[this.size++] = 13
    this.target[this.size++] = 10
  }

  flush(): void {
    if (this.size > 0) this.send(this.target.subarray(0, this.size))
    this.sent += this.size
    this.size = 0
  }

  private reserve(bytes: number): void {
    if (this.size + bytes > this.target.length) this.flush()
  }
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
