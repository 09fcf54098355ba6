/** Finds the encoding of sampled texts. */
import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import type { TextEncoding } from '../../define/definition.ts'
import { decodeWindows1252 } from '../../text/windows-1252.ts'
import type { Sample } from '../sample/bytes.ts'

/**
 * Returns the encoding that is known. Without one it is UTF-8 where at least half of the characters beyond ASCII are UTF-8, and otherwise
 * windows-1252. Any bytes are a text in windows-1252, so a note to read before it is used shows some of its words.
 */
export function sniffEncoding(
  samples: readonly Pick<Sample, 'bytes'>[],
  known?: TextEncoding,
): { readonly encoding: TextEncoding; readonly notes: readonly string[] } {
  if (known) return { encoding: known, notes: [] }
  const texts = samples.map(({ bytes }) => bytes)
  const foreign = texts.filter(bytes => !isUtf8(wholeCharacters(bytes)) && isMostlyForeign(bytes))
  if (foreign.length === 0) return { encoding: 'utf-8', notes: [] }
  const isMixed = texts.some(bytes => !isAscii(bytes) && !foreign.includes(bytes))
  if (isMixed)
    return {
      encoding: 'utf-8',
      notes: ["some files are not UTF-8: read them by a task of their own, with encoding: 'windows-1252'"],
    }
  const words = [...new Set(foreign.flatMap(foreignWords))].slice(0, 3)
  const isUnlikely = foreign.some(bytes => bytes.some(byte => undefinedBytes.has(byte)))
  const advice = isUnlikely
    ? 'it has bytes that windows-1252 does not define; if the text reads wrongly, convert it to UTF-8 first, for example with iconv'
    : 'if they read wrongly, convert the text to UTF-8 first, for example with iconv'
  return {
    encoding: 'windows-1252',
    notes: [`not UTF-8; as windows-1252 it has words such as ${words.join(', ')}: ${advice}`],
  }
}

const undefinedBytes = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d])

/** Returns the bytes without a character that is cut at the end. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  while (end > 0 && bytes.length - end < 3 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end--
  return (bytes[end - 1] ?? 0) >= 0xc0 ? bytes.subarray(0, end - 1) : bytes
}

/** Whether more bytes are no UTF-8 than characters beyond ASCII are UTF-8. */
function isMostlyForeign(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  const replaced = text.match(/\ufffd/g)?.length ?? 0
  const beyond = text.match(/[\u0080-\ufffc]/g)?.length ?? 0
  return replaced > beyond
}

/** Returns words with characters beyond ASCII, read as windows-1252. */
function foreignWords(bytes: Uint8Array): string[] {
  const text = decodeWindows1252(bytes.subarray(0, 65_536))
  return (text.match(/[\p{L}\p{N}€“”‘’–]*[^\p{ASCII}\p{Cc}][\p{L}\p{N}]*/gu) ?? []).slice(0, 20)
}
