/** Finds the end record of a zip archive, and with it the directory. */
import { Buffer } from 'node:buffer'
import { PermanentError } from '../errors/errors.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { endRecordBytes, findRecord } from './end-record.ts'
import { findEarlierEnd } from './trailing-bytes.ts'

/** Reads exactly the bytes of a range of the archive. */
export type ReadRange = (range: ByteRange) => Promise<Uint8Array>

export interface ZipEnd {
  readonly directory: ByteRange
  /** Count of entries by the end record. */
  readonly entryCount: number
  /** Without zip64 an archive of more than 65,535 members states the count modulo 65,536. */
  readonly isZip64: boolean
  /** Bytes before the archive that its offsets do not count, as `cat stub a.zip` makes them. */
  readonly prefixBytes: number
  /** The last bytes of the archive, which often hold the whole directory. */
  readonly tail: Tail
}

export interface Tail {
  readonly start: number
  readonly bytes: Buffer
}

const locatorBytes = 20
const recordBytes = 56
/** The longest comment, and a zip64 locator and record before the end record. */
const tailBytesMax = 0xffff + endRecordBytes + locatorBytes + recordBytes

export interface ArchiveFile {
  readonly sizeBytes: number
  readonly key: string
  /** Whether it is a member of another archive, so that the key is no path. */
  readonly isNested?: boolean
}

/**
 * Takes one read of at most 65,633 bytes, and a second, small one where offsets do not agree.
 * @throws ZIP_NO_DIRECTORY when there is no end record; ZIP_BAD_DIRECTORY when it contradicts the archive
 */
export async function readZipEnd(read: ReadRange, file: ArchiveFile): Promise<ZipEnd> {
  const { sizeBytes, key } = file
  const start = Math.max(0, sizeBytes - tailBytesMax)
  const tail = { start, bytes: asBuffer(await read({ start, end: sizeBytes })) }
  const at = findEnd(tail.bytes)
  if (at === undefined) return readBeforeOthers(read, tail, file)
  const fields = (await readRecord64(read, tail, at, key)) ?? readRecord(tail, at)
  if (fields.diskNumber !== 0) {
    throw badDirectory(key, `expected one file, got disk ${fields.diskNumber} of a split archive; join it first`)
  }
  const end = await placeDirectory(read, tail, fields, key)
  if (end.directory.start === end.directory.end) await checkEmpty(read, tail, fields, key)
  return end
}

/** Returns the error for a directory that contradicts itself; `what` completes the sentence. */
export function badDirectory(
  key: string,
  what: string,
  detail: Readonly<Record<string, unknown>> = {},
): PermanentError {
  return new PermanentError('ZIP_BAD_DIRECTORY', `${key}: the zip directory is damaged: ${what}`, { key, ...detail })
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Finds the end record: the one whose comment ends with the file, because member data may hold archives as well; otherwise
 * one that only NULs follow, because tapes and pipes pad files.
 */
function findEnd(bytes: Buffer): number | undefined {
  const endsWithFile = findRecord(bytes, end => end === bytes.length)
  if (endsWithFile !== undefined || bytes.at(-1) !== 0) return endsWithFile
  const paddingStart = bytes.findLastIndex(byte => byte !== 0) + 1
  return findRecord(bytes, end => end >= paddingStart && end <= bytes.length)
}

/** Reads the archive before bytes that follow its end record, where they are padding. @throws ZIP_NO_DIRECTORY */
async function readBeforeOthers(read: ReadRange, tail: Tail, file: ArchiveFile): Promise<ZipEnd> {
  const near = findPlausibleEnd(tail)
  if (near !== undefined) throw bytesAfterEnd(near, file)
  const earlier = await findEarlierEnd(read, file.sizeBytes)
  if (!earlier) throw noDirectory(tail, file)
  if (!earlier.isPadded) throw bytesAfterEnd(earlier.end, file)
  return readZipEnd(read, { ...file, sizeBytes: earlier.end })
}

/** Returns where the last archive ends whose directory can be before its end record. */
function findPlausibleEnd({ start, bytes }: Tail): number | undefined {
  const at = findRecord(bytes, end => end <= bytes.length)
  if (at === undefined) return undefined
  // 12 - size of the central directory, 16 - offset of start of central directory
  const isPlausible = bytes.readUInt32LE(at + 12) + bytes.readUInt32LE(at + 16) <= start + at
  // 20 - comment length
  return isPlausible ? start + at + endRecordBytes + bytes.readUInt16LE(at + 20) : undefined
}

/** Returns the error for an archive that other bytes follow, with their number and, for a file, the command that cuts them off. */
function bytesAfterEnd(end: number, { sizeBytes, key, isNested }: ArchiveFile): PermanentError {
  const extra = sizeBytes - end
  const advice = isNested
    ? `make the archive again without them; it is whole in its first ${end} bytes`
    : `cut them off: head -c ${end} ${key} > whole.zip`
  const message = `${key}: expected the archive to end with its end record, got ${extra} more bytes after it; ${advice}`
  return new PermanentError('ZIP_NO_DIRECTORY', message, { key, sizeBytes, bytesAfterEnd: extra })
}

function noDirectory({ bytes }: Tail, { sizeBytes, key }: ArchiveFile): PermanentError {
  const searched = Math.min(sizeBytes, 0xffff + endRecordBytes)
  const isPadding = bytes.length > 0 && bytes.every(byte => byte === 0)
  const message = isPadding
    ? `${key}: expected an end of central directory, got ${bytes.length} NUL bytes or more at the end of the file; get the file again`
    : `${key}: expected an end of central directory in the last ${searched} bytes, got none; the file is not a zip or was cut short, get it again`
  return new PermanentError('ZIP_NO_DIRECTORY', message, { key, sizeBytes })
}

/** Refuses an end record that has no entries after bytes that begin like a member: it was damaged, and all members would be lost. */
async function checkEmpty(read: ReadRange, tail: Tail, { recordOffset }: EndFields, key: string): Promise<void> {
  const before = tail.bytes.subarray(0, Math.max(0, recordOffset - tail.start))
  const first = recordOffset < 4 ? Buffer.alloc(0) : await readThrough(read, tail, { start: 0, end: 4 })
  const signature = Buffer.from('PK\x03\x04', 'latin1')
  if (!first.equals(signature) && !before.includes(signature)) return
  throw badDirectory(
    key,
    'expected members, as bytes before its end record begin like one, got a count of none; get the archive again',
  )
}

interface EndFields {
  readonly diskNumber: number
  readonly entryCount: number
  readonly directoryBytes: number
  readonly directoryOffset: number
  readonly isZip64: boolean
  /** Offset of the record itself, where the directory ends. */
  readonly recordOffset: number
}

/** 4.3.16 of APPNOTE.TXT. */
function readRecord({ start, bytes }: Tail, at: number): EndFields {
  return {
    // 4 - number of this disk
    diskNumber: bytes.readUInt16LE(at + 4),
    // 10 - total number of entries
    entryCount: bytes.readUInt16LE(at + 10),
    // 12 - size of the central directory
    directoryBytes: bytes.readUInt32LE(at + 12),
    // 16 - offset of start of central directory
    directoryOffset: bytes.readUInt32LE(at + 16),
    isZip64: false,
    recordOffset: start + at,
  }
}

/** Whether a number is full, which means that the zip64 record has it. */
function needsRecord64(bytes: Buffer, at: number): boolean {
  // 4 - number of this disk, 8 and 10 - numbers of entries
  if ([4, 6, 8, 10].some(field => bytes.readUInt16LE(at + field) === 0xffff)) return true
  // 12 - size of the central directory, 16 - offset of start of central directory
  return [12, 16].some(field => bytes.readUInt32LE(at + field) === 0xffffffff)
}

/** Reads the zip64 record (4.3.14 and 4.3.15 of APPNOTE.TXT). A locator counts only where a number is full or its record is there, because a comment may look like one. */
async function readRecord64(read: ReadRange, tail: Tail, end: number, key: string): Promise<EndFields | undefined> {
  const locator = end - locatorBytes
  if (locator < 0 || tail.bytes.readUInt32LE(locator) !== 0x07064b50) return undefined
  // 8 - relative offset of the zip64 end of central directory record
  const stated = Number(tail.bytes.readBigUInt64LE(locator + 8))
  const recordOffset = await findRecord64(read, tail, locator, stated)
  if (recordOffset === undefined) {
    if (!needsRecord64(tail.bytes, end)) return undefined
    throw badDirectory(key, `expected a zip64 end record at ${stated}, as its locator says, got other bytes`, {
      offset: stated,
    })
  }
  const record = await readThrough(read, tail, { start: recordOffset, end: recordOffset + recordBytes })
  return {
    // 16 - number of this disk
    diskNumber: record.readUInt32LE(16),
    // 32 - total number of entries
    entryCount: Number(record.readBigUInt64LE(32)),
    // 40 - size of the central directory
    directoryBytes: Number(record.readBigUInt64LE(40)),
    // 48 - offset of start of central directory
    directoryOffset: Number(record.readBigUInt64LE(48)),
    isZip64: true,
    recordOffset,
  }
}

/** Finds the zip64 record at its stated offset, or right before its locator, where it is when bytes were put before the archive. */
async function findRecord64(read: ReadRange, tail: Tail, locator: number, stated: number): Promise<number | undefined> {
  for (const offset of [stated, tail.start + locator - recordBytes]) {
    if (offset < 0 || offset + recordBytes > tail.start + locator) continue
    const record = await readThrough(read, tail, { start: offset, end: offset + recordBytes })
    if (record.readUInt32LE(0) === 0x06064b50) return offset
  }
  return undefined
}

/** Places the directory right before the end record, unless one begins exactly at the stated offset: then other bytes stand between the two. */
async function placeDirectory(read: ReadRange, tail: Tail, fields: EndFields, key: string): Promise<ZipEnd> {
  const { directoryBytes, directoryOffset, entryCount, isZip64, recordOffset } = fields
  const prefixBytes = recordOffset - directoryBytes - directoryOffset
  if (prefixBytes < 0) {
    const expected = `expected it to end before ${recordOffset}, got ${directoryBytes} bytes from ${directoryOffset}`
    throw badDirectory(key, expected, { directoryOffset, directoryBytes, recordOffset })
  }
  const isAsStated = prefixBytes > 0 && (await hasEntryAt(read, tail, directoryOffset, directoryBytes))
  const start = isAsStated ? directoryOffset : recordOffset - directoryBytes
  return {
    directory: { start, end: start + directoryBytes },
    entryCount,
    isZip64,
    prefixBytes: isAsStated ? 0 : prefixBytes,
    tail,
  }
}

async function hasEntryAt(read: ReadRange, tail: Tail, start: number, directoryBytes: number): Promise<boolean> {
  if (directoryBytes < 4) return false
  const bytes = await readThrough(read, tail, { start, end: start + 4 })
  return bytes.readUInt32LE(0) === 0x02014b50
}

/** Reads a range of the archive, where it is in its last bytes from these. */
export async function readThrough(read: ReadRange, tail: Tail, range: ByteRange): Promise<Buffer> {
  const { start, bytes } = tail
  if (range.start >= start) return bytes.subarray(range.start - start, range.end - start)
  return asBuffer(await read(range))
}
