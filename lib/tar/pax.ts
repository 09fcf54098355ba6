/** Reads the extended header of a tar entry (`pax`, POSIX.1-2001): records `length key=value` with what does not fit into its header. */
import type { Buffer } from 'node:buffer'
import { decodeName } from './header.ts'

/** Reads the records. Returns undefined where they are not well formed: a record that is not read may be the name or the size of a file. */
export function readPax(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at)
    const digits = bytes.toString('latin1', at, blank < 0 ? at : Math.min(blank, at + 12))
    const end = at + Number(digits)
    const equals = bytes.indexOf(0x3d, blank)
    if (!/^[1-9]\d*$/.test(digits) || end > bytes.length || equals <= blank + 1 || equals >= end) return undefined
    if (bytes[end - 1] !== 0x0a) return undefined
    records.set(bytes.toString('utf8', blank + 1, equals), decodeName(bytes.subarray(equals + 1, end - 1)))
    at = end
  }
  return records
}
