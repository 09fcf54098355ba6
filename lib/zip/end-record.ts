/** Finds end records of zip archives in bytes (4.3.16 of APPNOTE.TXT). */
import type { Buffer } from 'node:buffer'

/** Bytes of an end record without its comment. */
export const endRecordBytes = 22

/** Returns the offset of the last record for which the condition holds; it gets where the record with its comment ends, and where it begins. */
export function findRecord(bytes: Buffer, holds: (end: number, at: number) => boolean): number | undefined {
  for (let at = bytes.length - endRecordBytes; at >= 0; at -= 1) {
    at = bytes.lastIndexOf('PK\x05\x06', at, 'latin1')
    if (at < 0) return undefined
    // 20 - comment length
    if (holds(at + endRecordBytes + bytes.readUInt16LE(at + 20), at)) return at
  }
  return undefined
}
