import { constants, gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { inflateGzip } from '../../lib/inflate/whole-gzip.ts'

const text = Array.from({ length: 40 }, (_, index) => `${index * index},station ${index % 9}\n`).join('')
const bytesMax = 1_000_000

/** A file whose header has these fields (section 2.3 of RFC 1952). */
function withHeader(flags: number, fields: string): Buffer {
  const plain = gzipSync(text)
  const header = Buffer.from(plain.subarray(0, 10))
  header[3] = flags
  return Buffer.concat([header, Buffer.from(fields, 'latin1'), plain.subarray(10)])
}

/** Returns what zlib does with the bytes: the text, and how many of them it used, or its error. */
function byZlib(bytes: Uint8Array): unknown {
  return resultOf(() => {
    const result = gunzipSync(bytes, { maxOutputLength: bytesMax, info: true })
    const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return { content: buffer, used: engine.bytesWritten }
  })
}

function resultOf(inflate: () => { readonly content: Uint8Array; readonly used: number }): unknown {
  try {
    const { content, used } = inflate()
    return { content: Buffer.from(content).toString('latin1'), used }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { code, message }
  }
}

const asZlib = (bytes: Uint8Array): void => expect(resultOf(() => inflateGzip(bytes, bytesMax))).toEqual(byZlib(bytes))

const files = {
  'no field': gzipSync(text),
  'a name': withHeader(8, 'orders.csv\0'),
  'an extra field': withHeader(4, '\x02\0ab'),
  'a comment': withHeader(16, 'note\0'),
  'a name and a comment': withHeader(24, 'orders.csv\0note\0'),
}

describe('inflateGzip', () => {
  it.each(Object.entries(files))('inflates a file whose header has %s', (_name, bytes) => {
    expect(resultOf(() => inflateGzip(bytes, bytesMax))).toEqual({ content: text, used: bytes.length })
  })

  it('inflates files of no bytes, of stored blocks, and with any bytes of the text after a block', () => {
    for (const bytes of [gzipSync(''), gzipSync(text, { level: 0 }), gzipSync(text, { strategy: constants.Z_FIXED })])
      asZlib(bytes)
  })

  it('returns the first stream and its length when others follow, or zeros, or other bytes', () => {
    for (const tail of [gzipSync('x'), Buffer.alloc(20), Buffer.from('not compressed')])
      asZlib(Buffer.concat([files['a name'], tail]))
  })

  it('returns or throws what zlib does for a file that is cut at any byte, or in which a bit is changed', () => {
    const bytes = files['a name']
    for (let end = 0; end < bytes.length; end++) asZlib(bytes.subarray(0, end))
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      asZlib(changed)
    }
  })

  it('throws for a text that is longer than the limit', () => {
    expect(() => inflateGzip(gzipSync(text), text.length - 1)).toThrow(
      expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' }),
    )
    expect(inflateGzip(gzipSync(text), text.length).content.length).toBe(text.length)
  })
})
