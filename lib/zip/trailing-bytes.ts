/** Finds the end record of an archive that is followed by more bytes than a comment can have. */
import { Buffer } from 'node:buffer'
import type { ByteRange } from '../store/byte-range.ts'
import { endRecordBytes, findRecord } from './end-record.ts'

/** How far before the end of the file an end record is looked for. */
const searchedBytesMax = 16 * 1024 * 1024
const pieceBytes = 1024 * 1024

export interface EarlierEnd {
  /** The end of the archive, its comment included. */
  readonly end: number
  /** Whether only NULs follow. */
  readonly isPadded: boolean
}

/**
 * Looks for the last end record of a file that begins like an archive, in pieces of 1 MiB from the end. A record followed by other bytes
 * than NULs counts only where its directory is right before it: an archive within a member that was cut short is none.
 */
export async function findEarlierEnd(
  read: (range: ByteRange) => Promise<Uint8Array>,
  sizeBytes: number,
): Promise<EarlierEnd | undefined> {
  if (sizeBytes < endRecordBytes || !beginsLikeArchive(await read({ start: 0, end: 4 }))) return undefined
  let paddingStart = 0
  const searchedStart = Math.max(0, sizeBytes - searchedBytesMax)
  for (let end = sizeBytes; end > searchedStart; end -= pieceBytes) {
    const start = Math.max(searchedStart, end - pieceBytes)
    // A record that begins in this piece may end in the next.
    const piece = Buffer.from(await read({ start, end: Math.min(sizeBytes, end + endRecordBytes - 1) }))
    paddingStart ||= start + piece.findLastIndex(byte => byte !== 0) + 1
    const found = findEndIn(piece, start, { sizeBytes, paddingStart })
    if (found) return found
    if (paddingStart === start) paddingStart = 0
  }
  return undefined
}

function findEndIn(
  piece: Buffer,
  start: number,
  { sizeBytes, paddingStart }: { readonly sizeBytes: number; readonly paddingStart: number },
): EarlierEnd | undefined {
  let found: EarlierEnd | undefined
  findRecord(piece, (length, at) => {
    const end = start + length
    const isPadded = end >= paddingStart
    if (end > sizeBytes || !(isPadded || isAfterDirectory(piece, at, start))) return false
    found = { end, isPadded }
    return true
  })
  return found
}

/** Whether the directory, or the zip64 records after it, are right before the end record at `at`. */
function isAfterDirectory(piece: Buffer, at: number, start: number): boolean {
  // 12 - size of the central directory, 16 - offset of start of central directory
  if (piece.readUInt32LE(at + 12) + piece.readUInt32LE(at + 16) === start + at) return true
  return at >= 20 && piece.readUInt32LE(at - 20) === 0x07064b50
}

/** Whether the bytes begin a member, or are the end record of an empty archive. */
function beginsLikeArchive(bytes: Uint8Array): boolean {
  const signature = Buffer.from(bytes).toString('latin1')
  return signature === 'PK\x03\x04' || signature === 'PK\x05\x06'
}
