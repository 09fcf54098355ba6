/** Inflates bzip2 and xz files that Python has written, and refuses damaged ones. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FanmillError } from '../../lib/errors/errors.ts'
import { inflateFile } from '../../lib/inflate/file.ts'
import type { Store } from '../../lib/store/store.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/compressed/${name}`, import.meta.url))

function chunks(key: string, bytes: Uint8Array, pieceBytes = 65_536): AsyncGenerator<Uint8Array> {
  const store: Pick<Store, 'stream'> = {
    async *stream() {
      for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes)
    },
  }
  return inflateFile(store as Store, { key, sizeBytes: bytes.length, etag: 'e', identity: 'i' })
}

async function read(key: string, bytes: Uint8Array, pieceBytes?: number): Promise<string> {
  const copies = await Array.fromAsync(chunks(key, bytes, pieceBytes), chunk => Uint8Array.from(chunk))
  return Buffer.concat(copies).toString()
}

const resultOf = (work: Promise<string>): Promise<string> => work.catch((error: FanmillError) => error.code)

const rows = `id,name\n${Array.from({ length: 15_000 }, (_, id) => `${id},name ${(id * id) % 97}\n`).join('')}`
const small = 'id,name\n1,a\n2,b\n'

describe.each(['bz2', 'xz'])('a file that ends in .%s', ending => {
  const name = `a.csv.${ending}`

  it('is inflated, also in several blocks and in any pieces', async () => {
    expect(await read(name, fixture(`rows.csv.${ending}`))).toBe(rows)
    expect(await read(name, fixture(`rows.csv.${ending}`), 1000)).toBe(rows)
    expect(await read(name, fixture(`small.csv.${ending}`), 1)).toBe(small)
  })

  it('is inflated to its end when it has several streams, with zeros between and behind them', async () => {
    const one = fixture(`small.csv.${ending}`)
    const zeros = Buffer.alloc(512)
    for (const pieceBytes of [1, 7, 65_536]) {
      expect(await read(name, Buffer.concat([one, one]), pieceBytes)).toBe(small + small)
      expect(await read(name, Buffer.concat([one, zeros, one, zeros]), pieceBytes)).toBe(small + small)
    }
  })

  it('is refused when it is cut short anywhere, or followed by other bytes', async () => {
    const one = fixture(`small.csv.${ending}`)
    for (let length = 0; length < one.length; length++)
      expect([length, await resultOf(read(name, one.subarray(0, length)))]).toEqual([length, 'INPUT_INVALID'])
    expect(await resultOf(read(name, Buffer.concat([one, Buffer.from('other bytes')])))).toBe('INPUT_INVALID')
    await expect(read(name, one.subarray(0, -3))).rejects.toThrow(`${name}: its compressed data is cut short`)
  })

  it('is refused, or has the right bytes, when one of its bytes is another one', async () => {
    const one = fixture(`small.csv.${ending}`)
    for (let at = 0; at < one.length; at++) {
      for (const change of [1, 0x80, 0xff]) {
        const changed = Buffer.from(one)
        changed[at]! ^= change
        expect(['INPUT_INVALID', small], `byte ${at} with ${change}`).toContain(await resultOf(read(name, changed)))
      }
    }
  })

  it('is inflated in bounded chunks when it has thousands of times its size', async () => {
    let sizeBytes = 0
    for await (const chunk of chunks(name, fixture(`zeros.${ending}`))) {
      expect(chunk.length).toBeLessThanOrEqual(1024 * 1024)
      sizeBytes += chunk.length
    }
    expect(sizeBytes).toBe(20_000_000)
  })
})

describe('xz', () => {
  it('is refused with the reason when it needs more memory, or has a checksum that is not supported', async () => {
    await expect(read('a.xz', fixture('large-dictionary.csv.xz'))).rejects.toThrow('a dictionary of more than 64 MiB')
    await expect(read('a.xz', fixture('sha256.csv.xz'))).rejects.toThrow('compress with --check=crc64')
  })

  it('inflates several files side by side', async () => {
    const files = [1, 2, 3].map(() => read('a.xz', fixture('rows.csv.xz'), 5000))
    expect(await Promise.all(files)).toEqual([rows, rows, rows])
  })
})
