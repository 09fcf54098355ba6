/** Converts windows-1252 as the WHATWG encoding standard defines it: the five bytes that Windows leaves undefined are control characters. */
import { Buffer } from 'node:buffer'

/** Characters of the bytes 0x80 to 0x9f; every other byte is the character of its number. */
const printed =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178'

const characters = Uint16Array.from({ length: 256 }, (_, byte) => printed.charCodeAt(byte - 0x80) || byte)
const byteOfCharacter = new Map(Array.from(characters, (character, byte) => [character, byte]))

/** Bytes that are converted at once: few enough to stay in a core's cache. */
const stretchBytes = 16 * 1024
/** The most bytes that a character of windows-1252 takes in UTF-8. */
const utf8BytesMax = 3
const hasPrinted = /[\x80-\x9f]/

/** Returns the text in UTF-8. Memory: up to three times the bytes. */
export function windows1252ToUtf8(bytes: Uint8Array): Uint8Array {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const target = Buffer.allocUnsafeSlow(bytes.length * utf8BytesMax)
  let at = 0
  for (let start = 0; start < source.length; start += stretchBytes) {
    const stretch = source.subarray(start, start + stretchBytes)
    const text = stretch.toString('latin1')
    // The runtime's own conversion is twice as fast, but knows only latin-1.
    at += hasPrinted.test(text) ? convert(stretch, target, at) : target.write(text, at, 'utf8')
  }
  return target.subarray(0, at)
}

/** Returns the text as a string. */
export function decodeWindows1252(bytes: Uint8Array): string {
  return Buffer.from(windows1252ToUtf8(bytes)).toString('utf8')
}

/** Returns the string's bytes; undefined where windows-1252 lacks one of its characters. */
export function encodeWindows1252(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) {
    const byte = byteOfCharacter.get(text.charCodeAt(at))
    if (byte === undefined) return undefined
    bytes[at] = byte
  }
  return bytes
}

/** Writes the bytes as UTF-8 at an offset of the target and returns how many bytes it wrote. */
function convert(bytes: Uint8Array, target: Uint8Array, offset: number): number {
  let at = offset
  for (let index = 0; index < bytes.length; index++) {
    const character = characters[bytes[index] as number] as number
    if (character < 0x80) {
      target[at++] = character
    } else if (character < 0x800) {
      target[at++] = 0xc0 | (character >> 6)
      target[at++] = 0x80 | (character & 0x3f)
    } else {
      target[at++] = 0xe0 | (character >> 12)
      target[at++] = 0x80 | ((character >> 6) & 0x3f)
      target[at++] = 0x80 | (character & 0x3f)
    }
  }
  return at - offset
}
