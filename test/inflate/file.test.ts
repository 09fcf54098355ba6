import { constants, createGzip, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { TransientError } from '../../lib/errors/errors.ts'
import { inflateFile } from '../../lib/inflate/file.ts'
import type { Store } from '../../lib/store/store.ts'
import { collect } from '../read-zip.ts'

const text = 'station,flights\nSEA,12\n'.repeat(5000)

/** Inflates the file, which the store yields in pieces of so many bytes. */
function inflate(key: string, bytes: Uint8Array, pieceBytes = 1000): AsyncGenerator<Uint8Array> {
  const store: Pick<Store, 'stream'> = {
    async *stream() {
      for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes)
    },
  }
  return inflateFile(store as Store, { key, sizeBytes: bytes.length, etag: 'e', identity: 'i' })
}

const read = (...file: Parameters<typeof inflate>): Promise<Buffer> => collect(inflate(...file))

/** With a checksum, as the zstd program writes. */
function zstd(bytes: string | Uint8Array): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
}

const packers = [
  ['a.csv.gz', gzipSync],
  ['a.csv.zst', zstd],
] as const

describe('inflateFile', () => {
  it('returns a file with any other extension unchanged', async () => {
    expect((await read('a.csv', Buffer.from(text))).toString()).toBe(text)
  })

  it.each(packers)('inflates %s', async (key, pack) => {
    expect((await read(key, pack(text))).toString()).toBe(text)
  })

  it.each(packers)('frees the memory of %s while it is inflated, not when garbage is collected', async (key, pack) => {
    const bytes = pack(text.repeat(40))
    const used: { readonly memory: ArrayBufferLike; readonly bytes: number }[] = []
    for await (const chunk of inflate(key, bytes)) used.push({ memory: chunk.buffer, bytes: chunk.length })
    expect(used.reduce((sum, chunk) => sum + chunk.bytes, 0)).toBe(40 * text.length)
    const held = new Set(used.map(({ memory }) => memory).filter(memory => memory.byteLength > 0))
    // The last buffer was not filled.
    expect(held.size).toBeLessThanOrEqual(1)
  })

  it.each(packers)('inflates %s of several streams, however it is split into chunks', async (key, pack) => {
    const parts = ['first,', 'second,', '', text.slice(0, 500)]
    const packed = Buffer.concat(parts.map(part => pack(part)))
    for (let pieceBytes = 1; pieceBytes <= packed.length; pieceBytes += 1) {
      expect((await read(key, packed, pieceBytes)).toString()).toBe(parts.join(''))
    }
  })

  it.each(packers)('inflates %s of a thousand times its size in bounded chunks', async (key, pack) => {
    const zeros = Buffer.alloc(20_000_000)
    const packed = pack(zeros)
    const store: Pick<Store, 'stream'> = {
      async *stream() {
        yield packed
      },
    }
    let sizeBytes = 0
    for await (const chunk of inflateFile(store as Store, { key, sizeBytes: 0, etag: 'e', identity: 'i' })) {
      expect(chunk.length).toBeLessThanOrEqual(1024 * 1024)
      sizeBytes += chunk.length
    }
    expect(sizeBytes).toBe(zeros.length)
  })

  it.each(packers)('refuses every truncated %s', async (key, pack) => {
    const packed = pack('station,flights\nSEA,12\n')
    for (let length = 0; length < packed.length; length += 1) {
      await expect(read(key, packed.subarray(0, length))).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    }
  })

  it.each(packers)('refuses %s with foreign bytes at its end, or changed bytes', async (key, pack) => {
    const packed = pack(text)
    const trailing = Buffer.concat([packed, Buffer.from('not compressed')])
    await expect(read(key, trailing)).rejects.toMatchObject({ code: 'INPUT_INVALID', detail: { key } })
    await expect(read(key, trailing, trailing.length)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(read(key, Buffer.from(text))).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    packed[packed.length >> 1] = (packed[packed.length >> 1] ?? 0) ^ 0xff
    await expect(read(key, packed)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })

  it('ignores zeros after the end of a gzip file', async () => {
    const packed = Buffer.concat([gzipSync('one,'), Buffer.alloc(600), gzipSync('two'), Buffer.alloc(2000)])
    for (const pieceBytes of [1, 7, 600, packed.length]) {
      expect((await read('a.gz', packed, pieceBytes)).toString()).toBe('one,two')
    }
  })

  it('inflates data that its writer flushed in between', async () => {
    const gzip = createGzip()
    const packed = collect(gzip)
    gzip.write('one,')
    gzip.flush(() => gzip.end('two'))
    expect((await read('a.gz', await packed, 5)).toString()).toBe('one,two')
  })

  it('throws an error of the store unchanged', async () => {
    const fault = new TransientError('STORE_FAILED', 'connection reset')
    const store: Pick<Store, 'stream'> = {
      async *stream() {
        yield gzipSync(text).subarray(0, 50)
        throw fault
      },
    }
    const reading = collect(inflateFile(store as Store, { key: 'a.gz', sizeBytes: 1, etag: 'e', identity: 'i' }))
    await expect(reading).rejects.toBe(fault)
  })
})
