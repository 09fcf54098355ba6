/** Rewrites text that the engine cannot read as it is, or whose records must carry their place. */
import { Buffer } from 'node:buffer'
import { linesOf } from '../chunk-filter.ts'
import { type Dialect, toBytes } from './dialect.ts'
import type { RecordNumbers, TakeReject } from './early-rejects.ts'
import { LineReader } from './lines.ts'
import type { RecordScan } from './records.ts'

export interface RewriteOptions {
  /** 1-based physical line of the first byte. */
  readonly firstLine: number
  /** 1-based number of the first record. */
  readonly firstRecord: number
  /** Number of the member. Where it is given, each record is prefixed with it, its line and its record number. */
  readonly member: number | undefined
  /** Lines that an earlier rewrite dropped from this text, in the form of its result. */
  readonly gaps: readonly number[]
  /** Takes records that would cost the engine too much memory; they are not written. */
  readonly takeReject: TakeReject | undefined
  readonly scan: RecordScan
  write(piece: Uint8Array): void
}

export interface RewriteResult {
  /** Dropped lines as pairs of numbers: an offset in the written text, and how many lines are missing right before it; negative where several records share a line. */
  readonly gaps: readonly number[]
  /** Bytes of the longest written record, with its prefix and newline. */
  readonly longest: number
}

/**
 * Writes a copy without blank lines and comments. Newlines outside quotes are all of one kind (CRLF only where all are CRLF),
 * and the last record ends with one. A record with two malformed quoted fields is cut after the first: the engine would not
 * find its end otherwise, and so it stays one bad record. An open quote at the end stays open.
 * Memory: a piece of 1 MiB, which `write` must not keep.
 */
export function rewriteRecords(
  bytes: Uint8Array,
  dialect: Dialect,
  { firstLine, firstRecord, member, gaps, takeReject, scan, write }: RewriteOptions,
): RewriteResult {
  const newline = scan.newline === 'crlf' ? 'crlf' : 'lf'
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const prefix = member === undefined ? undefined : createPrefix(dialect, member)
  const prefixBytes = prefix?.bytesAt(firstLine + scan.lines + linesOf(gaps), firstRecord + scan.records) ?? 0
  const pieces = new PieceWriter(bytes.length + (prefixBytes + 2) * (scan.records + 1), write)
  const line = new LineReader(bytes, dialect)
  const dropped = new DroppedLines(gaps)
  let longest = 0
  for (let at = 0; at < bytes.length; ) {
    const start = at
    const { lines, records } = line.tally
    at = line.read(at)
    if (line.kind !== 'record') continue
    const place = { line: firstLine + lines + dropped.before(start, lines), record: firstRecord + records }
    if (takeReject?.(bytes.subarray(start, at - line.newlineBytes), place)) continue
    const begin = pieces.written
    if (prefix) pieces.prefix(prefix, prefixBytes, place)
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
  return { gaps: dropped.gaps, longest }
}

const pieceBytesMax = 1024 * 1024

/** Gathers what is written into pieces. */
class PieceWriter {
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

  prefix(prefix: Prefix, bytesMax: number, place: RecordNumbers): void {
    this.reserve(bytesMax)
    this.size = prefix.write(this.target, this.size, place)
  }

  copy(source: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    // A record that is larger than the target is copied in several pieces.
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

type Prefix = ReturnType<typeof createPrefix>

/** Returns what writes `<member>,<line>,<record>,` with the dialect's delimiter. */
function createPrefix(dialect: Dialect, member: number) {
  const { delimiter } = toBytes(dialect)
  const writeField = (target: Uint8Array, at: number, value: number): number => {
    let end = at + 1
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++
    for (let digit = end - 1, rest = value; digit >= at; digit--, rest = Math.floor(rest / 10))
      target[digit] = 48 + (rest % 10)
    for (const byte of delimiter) target[end++] = byte
    return end
  }
  return {
    bytesAt: (line: number, record: number): number => `${member}${line}${record}`.length + 3 * delimiter.length,
    /** Writes the prefix and returns the offset after it. */
    write: (target: Uint8Array, at: number, { line, record }: RecordNumbers): number =>
      writeField(target, writeField(target, writeField(target, at, member), line), record),
  }
}

/** Counts the lines that were not copied. */
class DroppedLines {
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

  /** Returns how many lines an earlier rewrite dropped before the record at `offset`, which stands after `lines` lines. */
  before(offset: number, lines: number): number {
    for (; (this.earlier[this.next] ?? Number.POSITIVE_INFINITY) <= offset; this.next += 2)
      this.earlierLines += this.earlier[this.next + 1] ?? 0
    this.missingLines = lines + this.earlierLines - this.keptLines
    return this.earlierLines
  }

  /** Notes that the record is copied to `offset`. */
  note(offset: number): void {
    if (this.missingLines !== this.notedLines) this.gaps.push(offset, this.missingLines - this.notedLines)
    this.notedLines = this.missingLines
  }

  keep(lines: number): void {
    this.keptLines += lines
  }
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++
  return count
}

/** Returns the end of the UTF-8 character that ends, or is cut, at `end`. */
function characterEnd(bytes: Uint8Array, end: number): number {
  let at = end
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at++
  return at
}
