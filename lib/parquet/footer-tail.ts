/** Reads the end of a Parquet file: the footer, its length, and the mark of the format. */
import { Buffer } from 'node:buffer'
import { PermanentError } from '../errors/errors.ts'
import { type MemberPlace, placeOf } from '../model/member-place.ts'

export interface Origin extends MemberPlace {
  /** Set for a broadcast table. */
  readonly table?: string
}

export const magicBytes = 4
/** Bytes after the footer: its length, and the mark of the format. */
export const tailBytes = 8
export const damage = 'it is damaged, get it again'

/** Limit on a footer, which is held in memory twice while it is rewritten. */
const footerBytesMax = 512 * 1024 * 1024

/** Returns the bytes of the footer from the last eight bytes of a file, which follow it. @throws INPUT_INVALID */
export function footerLength(tail: Buffer, sizeBytes: number, origin: Origin): number {
  if (sizeBytes < magicBytes + tailBytes) throw notParquet(origin, `got only ${sizeBytes} bytes`)
  const last = tail.toString('latin1', tail.length - magicBytes)
  if (last === 'PARE') throw notParquet(origin, 'got one with an encrypted footer; decrypt it first')
  if (last !== 'PAR1')
    throw notParquet(origin, 'got a file that does not end with PAR1; it may be cut short, get it again')
  const lengthBytes = tail.readUInt32LE(tail.length - tailBytes)
  if (lengthBytes > Math.min(footerBytesMax, sizeBytes - magicBytes - tailBytes))
    throw notParquet(origin, `got a footer of ${lengthBytes} bytes in a file of ${sizeBytes}; ${damage}`)
  return lengthBytes
}

/** Reads the bytes of a footer, in at most two reads: the end of the file, and the rest of a footer that is longer than `guessBytes`. @throws INPUT_INVALID */
export async function readTail(
  read: (start: number, end: number) => Promise<Uint8Array>,
  sizeBytes: number,
  { origin, guessBytes }: { readonly origin: Origin; readonly guessBytes: number },
): Promise<{ readonly footer: Uint8Array; readonly bytesRead: number }> {
  const start = Math.max(0, sizeBytes - guessBytes)
  const tail = Buffer.from(await read(start, sizeBytes))
  const footerStart = sizeBytes - tailBytes - footerLength(tail, sizeBytes, origin)
  const end = tail.subarray(Math.max(0, footerStart - start), tail.length - tailBytes)
  if (footerStart >= start) return { footer: end, bytesRead: tail.length }
  return { footer: Buffer.concat([await read(footerStart, start), end]), bytesRead: sizeBytes - footerStart }
}

/** Returns the error of a file that is no Parquet, or is damaged. */
export function notParquet(origin: Origin, got: string, cause?: unknown): PermanentError {
  const message = `${placeOf(origin)}: expected a Parquet file, ${got}`
  return new PermanentError('INPUT_INVALID', message, { ...origin }, { cause })
}
