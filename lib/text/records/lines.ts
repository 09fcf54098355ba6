/** Reads a text one line at a time. A line includes the newlines in its quotes. */
import type { Dialect } from './dialect.ts'
import { canJump, RecordJumper } from './jump.ts'
import { type LineKind, RecordMachine, type RecordTally } from './machine.ts'

/** Reads the lines of one buffer. The fields describe the line that was read last. */
export class LineReader {
  kind: LineKind = 'blank'
  newlineBytes = 0
  /** Carriage returns in its quotes that count as line ends; see RecordMachine. */
  quotedReturns = 0
  /** Fields in which text follows the closing quote, and the offset after the first such byte. */
  malformed = 0
  malformedEnd = 0
  /** Whether the text ends inside this line's quotes. */
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

  /** Reads the line that begins at an offset and returns the offset after its newline, which the last line may lack. */
  read(from: number): number {
    const end = this.jumper?.jump(from, 1) ?? from
    return end > from ? this.noteJump(from, end) : this.step(from)
  }

  private noteJump(from: number, end: number): number {
    this.newlineBytes = end - from > 1 && this.bytes[end - 2] === 13 ? 2 : 1
    this.kind = this.hasBlankRecords || end - from > this.newlineBytes ? 'record' : 'blank'
    this.malformed = 0
    this.quotedReturns = 0
    return end
  }

  private step(from: number): number {
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
