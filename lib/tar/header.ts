/** Reads one header of a tar archive: a block of 512 bytes, as ustar (POSIX.1), GNU and old tar write it. */
import { type Buffer, isUtf8 } from 'node:buffer'

/** Headers and contents are padded to blocks of so many bytes. */
export const blockBytes = 512

export interface TarHeader {
  readonly name: string
  /** Bytes of content after the header; undefined where the number is no number. */
  readonly sizeBytes: number | undefined
  /** The letter of the kind of entry, `0` for a file. */
  readonly type: string
  /** Whether another block of a GNU sparse header follows. */
  readonly isExtended: boolean
}

/** Whether a block has only zeros: two of them end an archive. */
export const isZeroBlock = (block: Buffer): boolean => block.every(byte => byte === 0)

/** Reads a header. Returns undefined when the block is none, because its checksum is not that of its bytes. */
export function readHeader(block: Buffer): TarHeader | undefined {
  if (!hasChecksum(block)) return undefined
  // 257 - magic: POSIX writes a NUL after it, and only then the field at 345 is the beginning of a long name
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isPosix ? nameIn(block.subarray(345, 500)) : ''
  // 0 - name, 156 - type flag
  const name = nameIn(block.subarray(0, 100))
  const letter = block[156] ?? 0
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    // 124 - size
    sizeBytes: readNumber(block.subarray(124, 136)),
    type: letter === 0 ? '0' : String.fromCharCode(letter),
    // 482 - GNU: whether blocks of the map of a sparse file follow
    isExtended: block[482] === 1,
  }
}

/** Compares the checksum with the sum of the bytes, its own field read as blanks. Old programs add bytes up as signed numbers. */
function hasChecksum(block: Buffer): boolean {
  // 148 - checksum
  const stated = readNumber(block.subarray(148, 156))
  let unsigned = 0
  let signed = 0
  for (let at = 0; at < blockBytes; at++) {
    const byte = at >= 148 && at < 156 ? 32 : (block[at] ?? 0)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  return stated === unsigned || stated === signed
}

/** Reads octal digits, or the bytes of a large number after a first byte of 0x80, as GNU and star write it. */
function readNumber(field: Buffer): number | undefined {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0)
    return Number.isSafeInteger(value) ? value : undefined
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits || '0', 8)
}

/** Returns the name in a field, which ends with the field or with a NUL before. */
export function nameIn(field: Buffer): string {
  const end = field.indexOf(0)
  return decodeName(end < 0 ? field : field.subarray(0, end))
}

/** Decodes a name: tar does not say in which encoding it is, and nearly all are in UTF-8. */
export const decodeName = (bytes: Buffer): string => bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
