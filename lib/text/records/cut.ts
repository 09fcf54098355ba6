/** Cuts a text of any length into pieces of whole records. */
import type { TextFormat } from '../../define/formats/format-kind.ts'
import { PermanentError } from '../../errors/errors.ts'
import { type MemberPlace, withPlace } from '../../model/member-place.ts'
import { linesOf } from '../chunk-filter.ts'
import { type Header, readHeader } from '../csv-header.ts'
import { checkTextStart } from '../other-file.ts'
import { gapsFrom, rewriteText } from '../text-filter.ts'
import { dialectOf, encodingOf, longestRecordBytes, topOf } from './dialect.ts'
import { createRecordCutter, type RecordCutter } from './records.ts'

/** Whole records of a text, in its own encoding. */
export interface Piece {
  /** The records without the header: a view that is valid until the next piece is requested. */
  readonly bytes: Uint8Array
  /** Column names in file order; empty where there is no header. */
  readonly header: readonly string[]
  /** 1-based physical line of the first byte. */
  readonly firstLine: number
  /** 1-based number of the first record in the text. */
  readonly firstRecord: number
  readonly records: number
  /** Lines that the text lacks, where it was rewritten: see `ChunkFilter`; offsets are those of the piece. */
  readonly gaps?: readonly number[] | undefined
}

export interface CutOptions {
  readonly format: TextFormat
  /** A piece ends with the first record end found from here on; default 32 MiB. */
  readonly pieceBytes?: number
  /** Longest record, and longest header; default 64 MiB. */
  readonly recordBytesMax?: number
  /** The origin of the text, for messages. */
  readonly origin?: MemberPlace
}

/** Bytes that are searched in one go: a piece is at most this much longer than `pieceBytes`, whatever the size of the chunks. */
const chunkBytesMax = 1024 * 1024

/** Yields the pieces of a text, in order. Errors name the origin. @throws as `readPieces` */
export async function* cutRecords(
  source: AsyncIterable<Uint8Array>,
  { origin, ...options }: CutOptions,
): AsyncGenerator<Piece> {
  try {
    yield* readPieces(source, { ...options, name: origin?.member || origin?.archive || '' })
  } catch (error) {
    throw origin ? withPlace(error, origin) : error
  }
}

/**
 * Yields the pieces of a text, in order; a text without records yields one empty piece. The source may reuse its chunks.
 * Memory: one piece, of `pieceBytes` and a record or two.
 * @throws INPUT_INVALID for a record longer than `recordBytesMax`, with its line; INPUT_ENCODING for UTF-16
 */
async function* readPieces(
  source: AsyncIterable<Uint8Array>,
  options: Omit<CutOptions, 'origin'> & TopOptions,
): AsyncGenerator<Piece> {
  const { format, name, pieceBytes = 32 * 1024 * 1024, recordBytesMax = longestRecordBytes } = options
  const { chunks, gaps } = rewriteText(source, { format, name })
  const buffer = new PieceBuffer(pieceBytes)
  const readTop = headerReader(recordBytesMax, { format, name })
  const cutter = (header: Header): PieceCutter =>
    new PieceCutter({ format, header, buffer, pieceBytes, recordBytesMax, gaps })
  let cut: PieceCutter | undefined
  for await (const large of chunks) {
    for (let at = 0; at < large.length; at += chunkBytesMax) {
      buffer.append(large.subarray(at, at + chunkBytesMax))
      const header = cut ? undefined : readTop(buffer.all)
      if (header) cut = cutter(header)
      const piece = cut?.next()
      if (piece) yield piece
    }
  }
  if (!cut) {
    cut = cutter(headerOf(buffer.all, { format, name }))
    const piece = cut.next()
    if (piece) yield piece
  }
  const last = cut.last()
  if (last) yield last
}

interface TopOptions extends Pick<CutOptions, 'format'> {
  readonly name: string
}

function headerOf(bytes: Uint8Array, { format, name }: TopOptions): Header {
  checkTextStart(bytes, name, encodingOf(format))
  return readHeader(bytes, dialectOf(format, encodingOf(format)), topOf(format))
}

/** Returns what reads the header as soon as enough of the text has arrived. */
function headerReader(recordBytesMax: number, options: TopOptions) {
  let triedBytes = 0
  return (bytes: Uint8Array): Header | undefined => {
    // Retried only when there is twice as much text, so that a long header costs no more than reading it twice.
    if (bytes.length < 2 * triedBytes) return undefined
    triedBytes = bytes.length
    if (bytes.length < 4) return undefined
    const found = headerOf(bytes, options)
    if (found.isComplete) return found
    if (bytes.length > recordBytesMax) throw recordTooLong(found.line, recordBytesMax)
    return undefined
  }
}

interface PieceOptions extends Required<Pick<CutOptions, 'format' | 'pieceBytes' | 'recordBytesMax'>> {
  readonly header: Header
  readonly buffer: PieceBuffer
  readonly gaps?: number[] | undefined
}

/** Cuts pieces off the buffer, up to its last record end. */
class PieceCutter {
  private readonly options: PieceOptions
  private readonly cutter: RecordCutter
  /** Buffered bytes that were searched, and the offset of the last record end in them. */
  private searched = 0
  private end = 0
  /** Records and lines of the pieces so far. */
  private recordsBefore = 0
  private linesBefore = 0
  private hasPiece = false
  /** Offset in the text of the next piece, and the lines that are missing before it. */
  private taken: number
  private missing = 0

  constructor(options: PieceOptions) {
    const { format, header, buffer } = options
    this.options = options
    this.cutter = createRecordCutter(dialectOf(format, encodingOf(format)))
    buffer.take(header.end)
    this.taken = header.end
  }

  /** Searches the bytes that are new, and returns a piece when enough are there. */
  next(): Piece | undefined {
    const { buffer, pieceBytes, recordBytesMax } = this.options
    const end = this.cutter.push(buffer.all.subarray(this.searched))
    if (end !== -1) this.end = this.searched + end
    this.searched = buffer.all.length
    if (this.searched - this.end > recordBytesMax) throw recordTooLong(this.line(this.cutter.lines), recordBytesMax)
    return this.end >= pieceBytes ? this.cut(this.end) : undefined
  }

  /** Returns the rest, whose last record may have no newline. An empty rest is returned only when there was no other piece. */
  last(): Piece | undefined {
    this.cutter.finish()
    const rest = this.options.buffer.all.length
    return rest > 0 || !this.hasPiece ? this.cut(rest) : undefined
  }

  private cut(end: number): Piece {
    const { header, buffer } = this.options
    const gaps = this.takeGaps(end)
    const piece = {
      bytes: buffer.take(end),
      gaps,
      header: header.names,
      firstLine: this.line(this.linesBefore) + this.missing,
      firstRecord: this.recordsBefore + 1,
      records: this.cutter.records - this.recordsBefore,
    }
    this.recordsBefore = this.cutter.records
    this.linesBefore = this.cutter.lines
    this.searched -= end
    this.end = 0
    this.hasPiece = true
    this.missing += linesOf(gaps ?? [])
    return piece
  }

  /** Removes the gaps of the next piece from those of the text, and returns them. */
  private takeGaps(pieceBytes: number): number[] | undefined {
    const { gaps } = this.options
    if (!gaps) return undefined
    const end = this.taken + pieceBytes
    const { lines, gaps: own } = gapsFrom(gaps, this.taken, end)
    const next = gaps.findIndex((offset, at) => at % 2 === 0 && offset >= end)
    gaps.splice(0, next === -1 ? gaps.length : next)
    this.missing += lines
    this.taken = end
    return own
  }

  private line(linesBefore: number): number {
    return this.options.header.line + linesBefore
  }
}

/** Bytes that are appended at the end and taken from the front. What was taken is valid until the next `append`. */
class PieceBuffer {
  private buffer: Buffer
  private readonly usualBytes: number
  private start = 0
  private end = 0

  constructor(expectedBytes: number) {
    this.usualBytes = expectedBytes + chunkBytesMax
    this.buffer = Buffer.allocUnsafeSlow(Math.min(this.usualBytes, chunkBytesMax))
  }

  get all(): Buffer {
    return this.buffer.subarray(this.start, this.end)
  }

  append(bytes: Uint8Array): void {
    if (this.end + bytes.length > this.buffer.length) this.makeRoom(bytes.length)
    this.buffer.set(bytes, this.end)
    this.end += bytes.length
  }

  take(count: number): Uint8Array {
    const taken = this.buffer.subarray(this.start, this.start + count)
    this.start += count
    return taken
  }

  private makeRoom(forBytes: number): void {
    const kept = this.all
    const neededBytes = kept.length + forBytes
    const doubledBytes = neededBytes > this.usualBytes ? 2 * kept.length : Math.min(2 * kept.length, this.usualBytes)
    const room =
      neededBytes <= this.buffer.length ? this.buffer : Buffer.allocUnsafeSlow(Math.max(neededBytes, doubledBytes))
    room.set(kept)
    this.buffer = room
    this.end = kept.length
    this.start = 0
  }
}

function recordTooLong(line: number, recordBytesMax: number): PermanentError {
  const message = `expected records of at most ${recordBytesMax} bytes, got a longer one at line ${line}; a quote may be left open, or the file may not be CSV`
  return new PermanentError('INPUT_INVALID', message, { line, recordBytesMax })
}
