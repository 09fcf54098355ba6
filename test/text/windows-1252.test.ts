/** The encoding windows-1252, compared with the index of the WHATWG encoding standard. */
import { describe, expect, it } from 'vitest'
import { decodeWindows1252, encodeWindows1252, windows1252ToUtf8 } from '../../lib/text/windows-1252.ts'

/** Code points of the bytes 0x80 to 0x9f, from index-windows-1252.txt; those of 81, 8d, 8f, 90 and 9d are undefined in Windows. */
const index = [
  0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d,
  0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,
  0x017e, 0x0178,
]
const codePointOf = (byte: number): number => (byte >= 0x80 && byte < 0xa0 ? (index[byte - 0x80] as number) : byte)
const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

describe('windows-1252', () => {
  it('has the character of the WHATWG standard for each of its 256 bytes', () => {
    const text = decodeWindows1252(everyByte)
    expect(Array.from(text, character => character.codePointAt(0))).toEqual(Array.from(everyByte, codePointOf))
    expect(text).toBe(new TextDecoder('windows-1252').decode(everyByte))
  })

  it('becomes the same UTF-8 for texts of any length, with and without the characters that latin-1 lacks', () => {
    for (const unit of ['Müller;', 'Müller € ', 'plain ', '€'])
      for (const count of [1, 2340, 2341, 5000]) {
        const text = unit.repeat(count)
        const bytes = encodeWindows1252(text)!
        expect(bytes.length).toBe(text.length)
        expect(Buffer.from(windows1252ToUtf8(bytes)).toString()).toBe(text)
      }
  })

  it('has no bytes for characters outside of the encoding', () => {
    expect(encodeWindows1252('a€ÿ')).toEqual(Uint8Array.from([0x61, 0x80, 0xff]))
    expect(encodeWindows1252('日')).toBeUndefined()
    expect(encodeWindows1252('😀')).toBeUndefined()
  })
})
