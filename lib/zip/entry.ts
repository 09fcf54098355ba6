/** Reads one entry of a zip directory (4.3.12 of APPNOTE.TXT). */
import type { Buffer } from 'node:buffer'
import type { ExtraField } from 'yauzl'
import type { EntryFacts } from './entry-table.ts'
import { decodeZipName } from './names.ts'

/** Bytes of an entry before its name. */
export const entryBytes = 46

export function isEntry(bytes: Buffer, at: number): boolean {
  // 0 - central file header signature
  return bytes.readUInt32LE(at) === 0x02014b50
}

/** Returns the bytes of the whole entry. */
export function entryLength(bytes: Buffer, at: number): number {
  // 28 - file name length, 30 - extra field length, 32 - file comment length
  return entryBytes + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
}

export interface EntryOptions {
  readonly prefixBytes: number
  /** Bytes at which a name is cut: a member with a longer one cannot be read, and a million of them must not fill the memory. */
  readonly nameBytesMax: number
}

/** Reads the entry that begins at `at` and that `bytes` hold whole. */
export function readEntry(bytes: Buffer, at: number, { prefixBytes, nameBytesMax }: EntryOptions): EntryFacts {
  // 4 - version made by
  const versionMadeBy = bytes.readUInt16LE(at + 4)
  // 8 - general purpose bit flag
  const generalPurposeBitFlag = bytes.readUInt16LE(at + 8)
  // 28 - file name length, 30 - extra field length
  const nameBytes = bytes.readUInt16LE(at + 28)
  const nameEnd = at + entryBytes + nameBytes
  const fileNameRaw = bytes.subarray(at + entryBytes, Math.min(nameEnd, at + entryBytes + nameBytesMax))
  const extraFields = parseExtra(bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(at + 30)))
  const name = decodeZipName({ fileNameRaw, generalPurposeBitFlag, extraFields, versionMadeBy })
  const sizes = readSizes(bytes, at, extraFields)
  // 38 - external file attributes
  const isFolder = isMarkedFolder(bytes.readUInt32LE(at + 38), versionMadeBy >> 8)
  return {
    name,
    nameBytes,
    // An entry with content is a file, so that a changed name cannot make a member vanish.
    isDirectory: sizes.inflatedBytes === 0 && (name === '' || name.endsWith('/') || isFolder),
    ...sizes,
    headerOffset: sizes.headerOffset + prefixBytes,
    // 16 - crc-32
    crc32: bytes.readUInt32LE(at + 16),
    // 10 - compression method
    method: bytes.readUInt16LE(at + 10),
    isEncrypted: (generalPurposeBitFlag & (encryptedFlag | strongFlag)) !== 0,
  }
}

/** 4.4.4 of APPNOTE.TXT. */
const encryptedFlag = 1
const strongFlag = 0x40

/** Whether the attributes mark a folder, as DOS and Unix do; other systems mark it by the slash alone. */
function isMarkedFolder(attributes: number, system: number): boolean {
  if (system === 3 || system === 19) return ((attributes >>> 16) & 0o170000) === 0o040000
  return (system === 0 || system === 10 || system === 11 || system === 14) && (attributes & 0x10) !== 0
}

/** Returns the extra fields that are whole, without padding and without a field that is cut. */
export function parseExtra(extra: Buffer): ExtraField[] {
  const fields: ExtraField[] = []
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (end > extra.length) return fields
    fields.push({ id: extra.readUInt16LE(at), data: extra.subarray(at + 4, end) })
    at = end
  }
  return fields
}

type Sizes = Pick<EntryFacts, 'inflatedBytes' | 'compressedBytes' | 'headerOffset' | 'fault'>

/** Reads sizes and offset. Numbers that do not fit are in the zip64 field, in this order (4.5.3 of APPNOTE.TXT). */
function readSizes(bytes: Buffer, at: number, extraFields: readonly ExtraField[]): Sizes {
  // 24 - uncompressed size, 20 - compressed size, 42 - relative offset of local header
  const short = [bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)]
  const zip64 = short.includes(0xffffffff) ? extraFields.find(({ id }) => id === 1)?.data : undefined
  let next = 0
  let fault = 0
  const [inflatedBytes = 0, compressedBytes = 0, headerOffset = 0] = short.map(value => {
    if (value !== 0xffffffff || !zip64) return value
    next += 8
    if (next <= zip64.length) return Number(zip64.readBigUInt64LE(next - 8))
    fault = 1
    return value
  })
  return { inflatedBytes, compressedBytes, headerOffset, fault }
}
