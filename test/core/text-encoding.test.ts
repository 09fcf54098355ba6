import { describe, expect, it } from 'vitest'
import { bomBytes, refuseUtf16, toUtf8 } from '../../lib/core/text-encoding.ts'

describe('refuseUtf16', () => {
  it.each(['utf16le', 'utf-16be', 'utf16le with mark'])('refuses %s with advice', encoding => {
    const little = Buffer.from(encoding.endsWith('mark') ? '\ufeffa,b\n' : 'größe,b\n1,2\n', 'utf16le')
    const bytes = encoding === 'utf-16be' ? little.swap16() : little
    expect(() => refuseUtf16(bytes)).toThrow(
      expect.objectContaining({ code: 'INPUT_ENCODING', message: expect.stringContaining('iconv') }),
    )
  })

  it('lets text with a stray NUL pass, and text too short to tell', () => {
    for (const text of ['a,b\n1,x\0y\n', '', 'a', 'a\0', '\ufeffa,b\n', 'Zürich,😀\n'])
      expect(() => refuseUtf16(Buffer.from(text))).not.toThrow()
  })
})

describe('toUtf8', () => {
  it('makes UTF-8 of latin-1', () => {
    expect(Buffer.from(toUtf8(Buffer.from([0x5a, 0xfc, 0x72, 0xff]), 'latin-1')).toString()).toBe('Zürÿ')
  })

  it('gives back the same bytes when there is nothing to do', () => {
    const bytes = Buffer.from('plain')
    expect(toUtf8(bytes, 'latin-1')).toBe(bytes)
    expect(toUtf8(bytes, 'utf-8')).toBe(bytes)
  })
})

describe('bomBytes', () => {
  it('counts the byte order mark of UTF-8', () => {
    expect([bomBytes(Buffer.from('\ufeffa')), bomBytes(Buffer.from('a'))]).toEqual([3, 0])
  })
})
