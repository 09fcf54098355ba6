/** Reads a text one line at a time, quoted newlines counted as part of it. */
import type { Dialect } from './record-dialect.ts'
import { canJump, RecordJumper } from './record-jump.ts'
import { type LineKind, RecordMachine, type RecordTally } from './record-machine.ts'

/** One buffer's lines; the fields tell about the one that was read last. */
export class LineReader {
  kind: LineKind = 'blank'
  newlineBytes = 0
  /** Lines that only carriage returns in its quotes make; see RecordMachine. */
  quotedReturns = 0
  /** Fields in which text follows the closing quote, and the offset after the first byte that shows it. */
  malformed = 0
  malformedEnd = 0
  /** The text ends in this line's quotes. */
  isOpen = false
  private readonly bytes: Uint8Array
  private readonly machine: RecordMachine
  private readonly jumper: RecordJumper | undefined
  private readonly hasBlankRecords: boolean

  constructor(bytes: Uint8Array, dialect: Dialect) {
    this.bytes = bytes
    this.hasBlankRecords = dialect.hasBlankRecords === true
    this.machine = new RecordMachine(dialect)
    this.jumper = canJump(dialect) ? new RecordJumper(bytes, dialect, this.machine.tally) : undefined
  }

  get tally(): Readonly<RecordTally> {
    return this.machine.tally
  }

  /** Reads the line that begins at an offset; the offset after its newline. The last line may have none. */
  read(from: number): number {
    const end = this.jumper?.jump(from, 1) ?? from
    return end > from ? this.jumped(from, end) : this.stepped(from)
  }

  private jumped(from: number, end: number): number {
    this.newlineBytes = end - from > 1 && this.bytes[end - 2] === 13 ? 2 : 1
    this.kind = this.hasBlankRecords || end - from > this.newlineBytes ? 'record' : 'blank'
    this.malformed = 0
    this.quotedReturns = 0
    return end
  }

  private stepped(from: number): number {
    const { machine } = this
    const end = machine.step(this.bytes, from)
    this.isOpen = machine.isInsideQuote
    if (!machine.isAtStart) machine.finish()
    this.kind = machine.lineKind
    this.newlineBytes = machine.newlineBytes
    this.quotedReturns = machine.lineQuotedReturns
    this.malformed = machine.lineMalformed
    this.malformedEnd = machine.lineMalformedEnd
    return end
  }
}
