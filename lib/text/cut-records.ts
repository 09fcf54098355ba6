/** Cuts a text of any length into pieces that end with a record. */

import { PermanentError } from '../errors/errors.ts'
import { type MemberPlace, withPlace } from '../model/member-place.ts'
import { type Header, readHeader } from './csv-header.ts'
import { checkEncoding } from './encoding.ts'
import { refuseOtherFile } from './other-file.ts'
import { dialectOf, encodingOf, longestRecordBytes, type TextFormat } from './record-dialect.ts'
import { createRecordCutter, type RecordCutter } from './records.ts'

/** Whole records of a text, in its own encoding; for a stage, an origin with these fields. */
export interface Piece {
  /** Without the header; a view that holds until the next piece is asked for. */
  readonly bytes: Uint8Array
  /** Column names in file order; empty where there is no header. */
  readonly header: readonly string[]
  /** 1-based physical line of the first byte. */
  readonly firstLine: number
  /** 1-based number of the first record in the text. */
  readonly firstRecord: number
  readonly records: number
}

export interface CutOptions {
  readonly format: TextFormat
  /** A piece ends with the first record end found from here on; default 32 MiB. */
  readonly pieceBytes?: number
  /** Longest record, and longest header; default 64 MiB. */
  readonly recordBytesMax?: number
  /** Where the text comes from, for messages. */
  readonly origin?: MemberPlace
}

/** Looked at in one go, so that a piece is at most this much longer than asked for, whatever the chunks. */
const chunkBytesMax = 1024 * 1024

/** As `piecesOf`, with the place of the text before the message of an error. */
export async function* cutRecords(
  source: AsyncIterable<Uint8Array>,
  { origin, ...options }: CutOptions,
): AsyncGenerator<Piece> {
  try {
    yield* piecesOf(source, { ...options, name: origin?.member || origin?.archive || '' })
  } catch (error) {
    throw origin ? withPlace(error, origin) : error
  }
}

/**
 * The pieces of a text, in order; for a text without records one piece without bytes. Chunks may be reused by the source.
 * Memory: one piece, of `pieceBytes` and a record or two.
 * @throws INPUT_INVALID for a record longer than `recordBytesMax`, with its line; INPUT_ENCODING for UTF-16
 */
async function* piecesOf(
  source: AsyncIterable<Uint8Array>,
  options: Omit<CutOptions, 'origin'> & { readonly name: string },
): AsyncGenerator<Piece> {
  const { format, name, pieceBytes = 32 * 1024 * 1024, recordBytesMax = longestRecordBytes } = options
  const gathered = new Gathering(pieceBytes)
  const top = new TopReader(format, recordBytesMax, name)
  let cut: PieceCutter | undefined
  for await (const large of source) {
    for (let at = 0; at < large.length; at += chunkBytesMax) {
      gathered.append(large.subarray(at, at + chunkBytesMax))
      const header: Header | undefined = cut ? undefined : top.read(gathered.all, false)
      if (header) cut = new PieceCutter({ format, header, gathered, pieceBytes, recordBytesMax })
      const piece = cut?.next()
      if (piece) yield piece
    }
  }
  if (!cut) {
    const header = top.read(gathered.all, true)
    cut = new PieceCutter({ format, header, gathered, pieceBytes, recordBytesMax })
    const piece = cut.next()
    if (piece) yield piece
  }
  const last = cut.last()
  if (last) yield last
}

/** Reads the header as soon as enough of the text is there. */
class TopReader {
  private readonly format: TextFormat
  private readonly recordBytesMax: number
  private readonly name: string
  private triedBytes = 0

  constructor(format: TextFormat, recordBytesMax: number, name: string) {
    this.name = name
    this.format = format
    this.recordBytesMax = recordBytesMax
  }

  read(bytes: Uint8Array, isAll: true): Header
  read(bytes: Uint8Array, isAll: false): Header | undefined
  read(bytes: Uint8Array, isAll: boolean): Header | undefined {
    // Tried again only when there is twice as much, so that a long header costs no more than reading it twice.
    if (!isAll && bytes.length < 2 * this.triedBytes) return undefined
    this.triedBytes = bytes.length
    if (!isAll && bytes.length < 4) return undefined
    refuseOtherFile(bytes, this.name)
    checkEncoding(bytes, encodingOf(this.format))
    const { skip, header } = this.format.kind === 'csv' ? this.format : { skip: 0, header: false }
    const found = readHeader(bytes, dialectOf(this.format, encodingOf(this.format)), { skip, header })
    if (found.isComplete || isAll) return found
    if (bytes.length > this.recordBytesMax) throw recordTooLong(found.line, this.recordBytesMax)
    return undefined
  }
}

interface PieceOptions {
  readonly format: TextFormat
  readonly header: Header
  readonly gathered: Gathering
  readonly pieceBytes: number
  readonly recordBytesMax: number
}

/** Gives out what is gathered, up to the last record end. */
class PieceCutter {
  private readonly options: PieceOptions
  private readonly cutter: RecordCutter
  /** How far the gathered bytes are looked through, and where the last record end in them is. */
  private seen = 0
  private end = 0
  private givenRecords = 0
  private givenLines = 0
  private isAnyGiven = false

  constructor(options: PieceOptions) {
    const { format, header, gathered } = options
    this.options = options
    this.cutter = createRecordCutter(dialectOf(format, encodingOf(format)))
    gathered.drop(header.end)
  }

  /** Looks through what is new. */
  next(): Piece | undefined {
    const { gathered, pieceBytes, recordBytesMax } = this.options
    const end = this.cutter.push(gathered.all.subarray(this.seen))
    if (end !== -1) this.end = this.seen + end
    this.seen = gathered.all.length
    if (this.seen - this.end > recordBytesMax) throw recordTooLong(this.line(this.cutter.lines), recordBytesMax)
    return this.end >= pieceBytes ? this.give(this.end) : undefined
  }

  /** The rest, whose last record may have no newline; the only piece even if it is empty. */
  last(): Piece | undefined {
    this.cutter.finish()
    const rest = this.options.gathered.all.length
    return rest > 0 || !this.isAnyGiven ? this.give(rest) : undefined
  }

  private give(end: number): Piece {
    const { header, gathered } = this.options
    const piece = {
      bytes: gathered.take(end),
      header: header.names,
      firstLine: this.line(this.givenLines),
      firstRecord: this.givenRecords + 1,
      records: this.cutter.records - this.givenRecords,
    }
    this.givenRecords = this.cutter.records
    this.givenLines = this.cutter.lines
    this.seen -= end
    this.end = 0
    this.isAnyGiven = true
    return piece
  }

  private line(linesBefore: number): number {
    return this.options.header.line + linesBefore
  }
}

/** Bytes that are gathered, and given away from the front; what was given away holds until more is gathered. */
class Gathering {
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

  drop(count: number): void {
    this.start += count
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
  const message = `expected records of at most ${recordBytesMax} bytes, got a longer one at line ${line}; a quote may be left open, or the text may be no CSV`
  return new PermanentError('INPUT_INVALID', message, { line, recordBytesMax })
}
