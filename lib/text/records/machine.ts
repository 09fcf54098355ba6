/** Cuts text into records byte by byte by the quoting rules of the engine's own CSV parser. Its state carries over from chunk to chunk. */
import { type Dialect, type DialectBytes, toBytes } from './dialect.ts'

/** Counts so far. A line that has not ended yet is in none of them, except for its quoted newlines in `lines`. */
export interface RecordTally {
  /** Lines that are neither blank nor comments; blank ones count where the dialect has blank records. */
  records: number
  blankLines: number
  commentLines: number
  /** Physical lines: line feeds, and bare carriage returns outside quotes. Inside quotes a carriage return counts where one ends the record. */
  lines: number
  /** Line ends outside quotes, by kind. */
  lf: number
  crlf: number
  cr: number
  /** Records with two or more fields in which text follows the closing quote: the engine does not find their end. */
  tangled: number
}

export type LineKind = 'blank' | 'record' | 'comment'

// A quote opens in the states up to `space`.
const start = 0
const field = 1
const space = 2
const text = 3
const quoted = 4
const closed = 5
const escaped = 6
const carriageReturn = 7
const comment = 8
const partial = 9
const partialComment = 10

/** The state machine. `step` reads to the end of one line at a time. */
export class RecordMachine {
  readonly tally: RecordTally = {
    records: 0,
    blankLines: 0,
    commentLines: 0,
    lines: 0,
    lf: 0,
    crlf: 0,
    cr: 0,
    tangled: 0,
  }
  /** The line that ended last: its kind, its fields, its malformed fields, the offset after the first of them, and its newline. */
  lineKind: LineKind = 'blank'
  lineFields = 1
  lineMalformed = 0
  lineMalformedEnd = 0
  newlineBytes = 0
  /** Bare carriage returns in its quotes, which count as lines because one ends the record as well. */
  lineQuotedReturns = 0
  private readonly bytes: DialectBytes
  /** 1 for each byte that changes nothing within a field. */
  private readonly isPlain = new Uint8Array(256).fill(1)
  private state = start
  private matched = 0
  private stateBeforePartial = start
  private kind: LineKind = 'blank'
  private fields = 1
  private malformed = 0
  private malformedEnd = 0
  private quotedReturns = 0
  /** Whether the bytes ended with a carriage return in quotes, which may be the first half of CRLF. */
  private isReturnOpen = false
  private readonly hasBlankRecords: boolean

  constructor(dialect: Dialect) {
    this.hasBlankRecords = dialect.hasBlankRecords === true
    this.bytes = toBytes(dialect)
    const { delimiter, quote, escape: escapeByte } = this.bytes
    for (const special of [10, 13, delimiter[0] ?? 10, quote, escapeByte]) this.isPlain[special] = 0
  }

  get isAtStart(): boolean {
    return this.state === start
  }

  /** Whether the text so far ends inside quotes. */
  get isInsideQuote(): boolean {
    return this.state === quoted || this.state === escaped
  }

  /** Assumes that the next byte stands in the middle of a record. */
  assume(place: 'inside quotes' | 'outside quotes'): void {
    this.state = place === 'inside quotes' ? quoted : text
    this.kind = 'record'
  }

  /** Reads to the end of the line or of the bytes and returns the offset after it. A bare carriage return ends a line as well. */
  step(bytes: Uint8Array, from: number): number {
    const { quote, escape: escapeByte } = this.bytes
    const { isPlain, tally } = this
    let { state } = this
    let at = from
    if (this.isReturnOpen && at < bytes.length) {
      this.isReturnOpen = false
      if (bytes[at] !== 10) this.quotedReturns++
    }
    while (at < bytes.length) {
      if (state === text || state === quoted) {
        while (isPlain[bytes[at] as number] === 1) at++
        if (at === bytes.length) break
      }
      const byte = bytes[at] as number
      if (state === quoted) {
        if (byte === quote) state = closed
        else if (byte === escapeByte) state = escaped
        else if (byte === 10) tally.lines++
        else if (byte === 13) this.countReturn(bytes, at)
      } else if (state === escaped) {
        if (byte === 10) tally.lines++
        else if (byte === 13) this.countReturn(bytes, at)
        state = quoted
      } else if (state === carriageReturn) {
        return byte === 10 ? this.endLine(at + 1, 'crlf') : this.endLine(at, 'cr')
      } else if (byte === 10) {
        return this.endLine(at + 1, 'lf')
      } else if (byte === 13) {
        state = carriageReturn
      } else {
        state = this.next(state, byte, at)
      }
      at++
    }
    this.state = state
    return at
  }

  /** Ends the last line, which has no newline; an open quote stays open. */
  finish(): void {
    if (this.state === carriageReturn) this.endLine(0, 'cr')
    else if (this.kind !== 'blank') {
      this.lineQuotedReturns = 0
      this.countLine(0)
    }
  }

  private next(state: number, byte: number, at: number): number {
    if (state === comment) return comment
    if (state === partial) {
      if (byte === this.bytes.delimiter[this.matched]) return this.matchDelimiter()
      return this.next(this.stateBeforePartial === closed ? this.markMalformed(at) : text, byte, at)
    }
    if (state === partialComment && byte === this.bytes.comment[this.matched]) return this.matchComment()
    if (state === partialComment) return this.next(text, byte, at)
    if (state === start) {
      this.kind = 'record'
      this.matched = 0
      if (byte === this.bytes.comment[0]) return this.matchComment()
    }
    if (byte === this.bytes.delimiter[0]) {
      this.matched = 0
      this.stateBeforePartial = state
      return this.matchDelimiter()
    }
    if (byte === this.bytes.quote && (state <= space || (state === closed && this.bytes.escape === byte))) return quoted
    // One space before an opening quote, and any number after the closing one, are ignored.
    if (byte === 32 && state < space) return space
    if (state !== closed) return text
    return byte === 32 ? closed : this.markMalformed(at)
  }

  /** Until the whole mark is there, the line may be a record that begins alike. */
  private matchComment(): number {
    if (++this.matched < this.bytes.comment.length) return partialComment
    this.kind = 'comment'
    return comment
  }

  private matchDelimiter(): number {
    if (++this.matched < this.bytes.delimiter.length) return partial
    this.fields++
    return field
  }

  private markMalformed(at: number): number {
    if (++this.malformed === 1) this.malformedEnd = at + 1
    return text
  }

  private countReturn(bytes: Uint8Array, at: number): void {
    if (at + 1 === bytes.length) this.isReturnOpen = true
    else if (bytes[at + 1] !== 10) this.quotedReturns++
  }

  private endLine(end: number, newline: 'lf' | 'crlf' | 'cr'): number {
    this.tally[newline]++
    this.lineQuotedReturns = newline === 'cr' ? this.quotedReturns : 0
    this.tally.lines += 1 + this.lineQuotedReturns
    this.countLine(newline === 'crlf' ? 2 : 1)
    this.state = start
    return end
  }

  private countLine(newlineBytes: number): void {
    if (this.kind === 'blank' && this.hasBlankRecords) this.kind = 'record'
    if (this.kind === 'record') this.tally.records++
    else if (this.kind === 'blank') this.tally.blankLines++
    else this.tally.commentLines++
    if (this.malformed > 1) this.tally.tangled++
    this.lineKind = this.kind
    this.lineFields = this.fields
    this.lineMalformed = this.malformed
    this.lineMalformedEnd = this.malformedEnd
    this.newlineBytes = newlineBytes
    this.kind = 'blank'
    this.fields = 1
    this.malformed = 0
    this.quotedReturns = 0
  }
}
