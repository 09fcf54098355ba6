import { describe, expect, it } from 'vitest'
import { bomBytes, checkEncoding, decodeText, encodeText, toUtf8 } from '../../lib/text/encoding.ts'

describe('checkEncoding', () => {
  it.each(['utf16le', 'utf-16be', 'utf16le with mark'])('refuses %s and names the option', encoding => {
    const little = Buffer.from(encoding.endsWith('mark') ? '\ufeffa,b\n' : 'größe,b\n1,2\n', 'utf16le')
    const bytes = encoding === 'utf-16be' ? little.swap16() : little
    expect(() => checkEncoding(bytes, 'windows-1252')).toThrow(
      expect.objectContaining({ code: 'INPUT_ENCODING', message: expect.stringContaining("set encoding: 'utf-16'") }),
    )
  })

  it('accepts text with a single NUL, and text that is too short to judge', () => {
    for (const text of ['a,b\n1,x\0y\n', '', 'a', 'a\0', '\ufeffa,b\n', 'Zürich,😀\n'])
      expect(() => checkEncoding(Buffer.from(text), 'utf-8')).not.toThrow()
  })

  it('refuses a text that begins with the mark of UTF-8 where windows-1252 is declared', () => {
    expect(() => checkEncoding(Buffer.from('\ufeffa,b\n'), 'windows-1252')).toThrow(
      expect.objectContaining({
        code: 'INPUT_ENCODING',
        message: expect.stringContaining('remove encoding from the format'),
      }),
    )
  })
})

describe('toUtf8', () => {
  it('converts windows-1252 to UTF-8', () => {
    expect(Buffer.from(toUtf8(Buffer.from([0x5a, 0xfc, 0x80, 0xff]), 'windows-1252')).toString()).toBe('Zü€ÿ')
  })

  it('returns the same bytes when nothing changes', () => {
    const bytes = Buffer.from('plain')
    expect(toUtf8(bytes, 'windows-1252')).toBe(bytes)
    expect(toUtf8(bytes, 'utf-8')).toBe(bytes)
  })
})

it('reads and writes strings in an encoding', () => {
  for (const encoding of ['utf-8', 'windows-1252'] as const)
    expect(decodeText(encodeText('§ “5 €”', encoding)!, encoding)).toBe('§ “5 €”')
})

describe('bomBytes', () => {
  it('counts the byte order mark of UTF-8', () => {
    expect([bomBytes(Buffer.from('\ufeffa')), bomBytes(Buffer.from('a'))]).toEqual([3, 0])
  })
})
