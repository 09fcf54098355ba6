/** Counts whole records by native searches for newlines and quotes, which is several times faster than byte by byte. */
import { Buffer } from 'node:buffer'
import { type Dialect, toBytes } from './dialect.ts'
import type { RecordTally } from './machine.ts'

/** Whether a text of this dialect can be jumped through: it has one delimiter byte, doubled quotes and no comments. */
export function canJump(dialect: Dialect): boolean {
  const bytes = toBytes(dialect)
  return (
    bytes.comment.length === 0 && (bytes.quote === -1 || (bytes.delimiter.length === 1 && bytes.escape === bytes.quote))
  )
}

/**
 * Jumps through one buffer. `jump` may be called again further on, and no search is repeated.
 * RecordMachine reads what is irregular: a bare carriage return, text after a closing quote, no newline at the end.
 */
export class RecordJumper {
  private readonly bytes: Buffer
  private readonly tally: RecordTally
  private readonly quote: number
  private readonly delimiter: number
  private readonly hasBlankRecords: boolean
  private newlineAt = -1
  private quoteAt = -1
  private returnAt = -1
  /** Newlines in the quotes of this record; they are counted when its end is found, because otherwise the record is read again. */
  private quotedLines = 0

  constructor(bytes: Uint8Array, dialect: Dialect, tally: RecordTally) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.tally = tally
    const { quote, delimiter } = toBytes(dialect)
    this.quote = quote
    this.delimiter = delimiter[0] ?? -1
    this.hasBlankRecords = dialect.hasBlankRecords === true
    if (quote === -1) this.quoteAt = bytes.length
  }

  /** Jumps from the beginning of a record to that of the first one that is irregular or not complete in these bytes, or over `linesMax` lines. */
  jump(from: number, linesMax = Number.POSITIVE_INFINITY): number {
    let linesLeft = linesMax
    const end = this.bytes.length
    let lineStart = from
    let at = from
    this.quotedLines = 0
    for (;;) {
      if (this.newlineAt < at) this.newlineAt = this.find(10, at)
      if (this.quoteAt < at) this.quoteAt = this.nextQuote(at)
      if (this.returnAt < at) this.returnAt = this.find(13, at)
      if (this.newlineAt === end) return lineStart
      if (this.quoteAt < this.newlineAt) {
        if (this.returnAt < this.quoteAt) return lineStart
        at = this.isOpening(lineStart) ? this.findClosing() : this.quoteAt + 1
        if (at === -1) return lineStart
        continue
      }
      if (this.returnAt < this.newlineAt - 1) return lineStart
      this.countLine(lineStart)
      at = lineStart = this.newlineAt + 1
      if (--linesLeft === 0) return lineStart
    }
  }

  private find(byte: number, from: number): number {
    const found = this.bytes.indexOf(byte, from)
    return found === -1 ? this.bytes.length : found
  }

  /** Does the same as `find`, but compares the nearest bytes itself, because a native search costs as much as some thirty comparisons. */
  private findNear(byte: number, from: number): number {
    const near = Math.min(from + 24, this.bytes.length)
    for (let at = from; at < near; at++) if (this.bytes[at] === byte) return at
    return this.find(byte, near)
  }

  /** Finds the next quote. Where every field is quoted, it stands right after the delimiter. */
  private nextQuote(from: number): number {
    return this.bytes[from + 1] === this.quote && this.bytes[from] !== this.quote
      ? from + 1
      : this.find(this.quote, from)
  }

  private isOpening(lineStart: number): boolean {
    const at = this.quoteAt
    if (at === lineStart) return true
    const previous = this.bytes[at - 1]
    if (previous === this.delimiter) return true
    return previous === 32 && (at - 1 === lineStart || this.bytes[at - 2] === this.delimiter)
  }

  /** Returns the offset after the closing quote, or -1 where RecordMachine must look; notes the newlines in between. */
  private findClosing(): number {
    const { bytes, quote } = this
    let close = this.findNear(quote, this.quoteAt + 1)
    while (bytes[close + 1] === quote) close = this.findNear(quote, close + 2)
    const next = bytes[close + 1]
    if (next !== this.delimiter && next !== 10 && next !== 13) return -1
    while (this.newlineAt < close) {
      this.quotedLines++
      this.newlineAt = this.find(10, this.newlineAt + 1)
    }
    return close + 1
  }

  private countLine(lineStart: number): void {
    const isReturn = this.returnAt === this.newlineAt - 1
    if (isReturn) this.tally.crlf++
    else this.tally.lf++
    this.tally.lines += this.quotedLines + 1
    this.quotedLines = 0
    if (this.hasBlankRecords || this.newlineAt - lineStart > (isReturn ? 1 : 0)) this.tally.records++
    else this.tally.blankLines++
  }
}
