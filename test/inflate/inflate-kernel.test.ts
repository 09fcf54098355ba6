import { readFileSync } from 'node:fs'
import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inflateExactly, kernelBytesMax } from '../../lib/inflate/inflate-kernel.ts'
import { inflateKernelFile, inflateSourcesHash } from '../../scripts/build-inflate.ts'

/** Texts of a few words, of letters with runs, of lines of numbers, and of any bytes. */
const text = fc.oneof(
  fc
    .array(fc.constantFrom('a', 'bc', '\n', 'station,flights\n', '0'.repeat(300)), { maxLength: 400, size: 'max' })
    .map(joined),
  fc.array(fc.nat(9999), { maxLength: 3000, size: 'max' }).map(numbers => joined(numbers.map(n => `${n},${n % 7}\n`))),
  fc
    .array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 700 })), { maxLength: 60 })
    .map(runs => Buffer.concat(runs.map(([byte, count]) => Buffer.alloc(count, byte)))),
  fc.uint8Array({ maxLength: 2000, size: 'max' }).map(bytes => Buffer.from(bytes)),
)

/** All ways in which zlib writes blocks: stored, with fixed codes, with codes of their own, and many small ones. */
const settings = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.constantFrom(
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FIXED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
    constants.Z_FILTERED,
  ),
})

function joined(parts: readonly string[]): Buffer {
  return Buffer.from(parts.join(''), 'latin1')
}

/** The text as zlib inflates it, or undefined where it does not or where other bytes come out. */
function inflatedByZlib(data: Uint8Array, expected: Uint8Array): Buffer | undefined {
  try {
    const found = inflateRawSync(data, { maxOutputLength: expected.length + 1 })
    return found.equals(expected) ? found : undefined
  } catch {
    return undefined
  }
}

/** Whether the kernel inflates data to the expected text, as a caller that compares the checksum sees it. */
function isAccepted(data: Uint8Array, expected: Uint8Array): boolean {
  const found = inflateExactly(data, expected.length)
  if (!found || crc32(found) !== crc32(expected)) return false
  expect(found.equals(expected)).toBe(true)
  return true
}

describe('inflateExactly', () => {
  it('returns the bytes that zlib returns, for every kind of block', () => {
    fc.assert(
      fc.property(text, settings, (bytes, options) => {
        expect(inflateExactly(deflateRawSync(bytes, options), bytes.length)?.equals(bytes)).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  it('inflates blocks one after another, empty ones among them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, settings), { minLength: 1, maxLength: 6 }), parts => {
        const data = parts.map(([bytes, options]) =>
          deflateRawSync(bytes, { ...options, finishFlush: constants.Z_FULL_FLUSH }),
        )
        const whole = Buffer.concat(parts.map(([bytes]) => bytes))
        const stream = Buffer.concat([...data, Buffer.from('0300', 'hex')])
        expect(inflateExactly(stream, whole.length)?.equals(whole)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('inflates matches at every distance up to 32 KiB, and longer texts than the window', () => {
    const noise = Buffer.from(
      Uint32Array.from({ length: 50_000 }, (_, index) => Math.imul(index + 1, 2654435761)).buffer,
    )
    for (let distance = 1; distance <= 32 * 1024; distance += distance < 300 ? 1 : 997) {
      const piece = noise.subarray(0, distance)
      const bytes = Buffer.concat([piece, piece, piece, noise.subarray(0, 100)])
      expect(inflateExactly(deflateRawSync(bytes), bytes.length)?.equals(bytes)).toBe(true)
    }
    expect(inflateExactly(deflateRawSync(noise), noise.length)?.equals(noise)).toBe(true)
  })

  it('returns nothing when the text is longer or shorter than expected', () => {
    fc.assert(
      fc.property(text, settings, fc.integer({ min: 1, max: 400 }), (bytes, options, by) => {
        const data = deflateRawSync(bytes, options)
        expect(inflateExactly(data, bytes.length + by)).toBeUndefined()
        if (bytes.length >= by) expect(inflateExactly(data, bytes.length - by)).toBeUndefined()
      }),
    )
  })

  it('returns nothing when data is cut at any byte, or followed by others', () => {
    for (const level of [0, 1, 9]) {
      const bytes = joined(Array.from({ length: 90 }, (_, index) => `${index * index},station ${index % 9}\n`))
      const data = deflateRawSync(bytes, { level })
      for (let end = 0; end < data.length; end++)
        expect(inflateExactly(data.subarray(0, end), bytes.length)).toBeUndefined()
      expect(inflateExactly(Buffer.concat([data, Buffer.alloc(1)]), bytes.length)).toBeUndefined()
    }
  })

  it('accepts no data with a changed bit or byte that zlib refuses', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        text,
        settings,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
        (bytes, options, changes) => {
          const data = deflateRawSync(bytes.subarray(0, 600), options)
          for (const [at, bits] of changes) data[at % data.length]! ^= bits
          const expected = bytes.subarray(0, 600)
          if (!isAccepted(data, expected)) return
          accepted++
          expect(inflatedByZlib(data, expected)).toBeDefined()
        },
      ),
      { numRuns: 5000 },
    )
    for (const options of [{ level: 0 }, { strategy: constants.Z_FIXED }, { level: 9 }]) {
      const bytes = joined(Array.from({ length: 60 }, (_, index) => `${index * index},station ${index % 9}\n`))
      const data = deflateRawSync(bytes, options)
      for (let bit = 0; bit < 8 * data.length; bit++) {
        const changed = Buffer.from(data)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        if (!isAccepted(changed, bytes)) continue
        accepted++
        expect(inflatedByZlib(changed, bytes)).toBeDefined()
      }
    }
    // The unused bits of the last byte may have any value.
    expect(accepted).toBeGreaterThan(0)
  })

  it('accepts no code that a block may not have, although it would inflate to the right text', () => {
    const data = Buffer.from('631805a360a40200', 'hex')
    const expected = inflateRawSync(data)
    expect(isAccepted(data, expected)).toBe(true)
    // Code 286 in place of 285, both of which libdeflate takes for 258 bytes.
    expect(isAccepted(Buffer.from('631805e360a40200', 'hex'), expected)).toBe(false)
  })

  it('returns nothing or a text of the expected length for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400, size: 'max' }), fc.nat(5000), (data, bytes) => {
        expect([undefined, bytes]).toContain(inflateExactly(data, bytes)?.length)
      }),
      { numRuns: 3000 },
    )
  })

  it('inflates texts up to the limit, in any order of sizes', () => {
    for (const bytes of [10, kernelBytesMax, 0, 1000, kernelBytesMax - 1]) {
      const expected = Buffer.alloc(bytes, 'station,flights\n')
      expect(inflateExactly(deflateRawSync(expected), bytes)?.equals(expected)).toBe(true)
    }
    const long = Buffer.alloc(kernelBytesMax + 1)
    expect(inflateExactly(deflateRawSync(long), long.length)).toBeUndefined()
    expect(inflateExactly(deflateRawSync(long, { level: 0 }), 10)).toBeUndefined()
  })
})

describe('the kernel that inflates', () => {
  it('was compiled from its sources as they are', () => {
    expect(readFileSync(inflateKernelFile, 'utf8')).toContain(`Hash of the sources: ${inflateSourcesHash()}\n`)
  })
})
