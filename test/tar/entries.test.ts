/** Lists tar archives that Python and GNU tar have written, and refuses damaged and hostile ones. */
import { readFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { archiveKind } from '../../lib/archive/archive-kind.ts'
import { zipLimits } from '../../lib/define/sources/source.ts'
import type { FanmillError } from '../../lib/errors/errors.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { ZipEntry } from '../../lib/zip/entry-table.ts'
import { buildTar } from '../tar-builder.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/tar/${name}.tar`, import.meta.url))

async function list(bytes: Uint8Array, key = 'a.tar', limits = zipLimits): Promise<readonly ZipEntry[]> {
  const store = memoryStore()
  await store.write(key, bytes)
  const { table } = await archiveKind(key).list(store, (await store.stat(key))!, { limits })
  return Array.from({ length: table.length }, (_, index) => table.get(index))
}

/** The names and contents of files, and the faults of others. */
async function contents(bytes: Uint8Array, key = 'a.tar'): Promise<readonly (readonly [string, string])[]> {
  const store = memoryStore()
  await store.write(key, bytes)
  const object = (await store.stat(key))!
  const entries = (await list(bytes, key)).filter(entry => !entry.isDirectory)
  const read = async (entry: ZipEntry): Promise<readonly [string, string]> => {
    if (entry.fault) return [entry.name, entry.fault.what.replace(/;.*/, '')]
    const member = entry as ZipEntry & { method: 0 }
    const chunks = archiveKind(key).openMember(store, { ...object, identity: '' }, member, { limits: zipLimits })
    const copies = await Array.fromAsync(chunks, chunk => Uint8Array.from(chunk))
    return [entry.name, Buffer.concat(copies).toString()]
  }
  return Promise.all(entries.map(read))
}

const long = `data/${'l'.repeat(120)}/${'n'.repeat(130)}.csv`
const files = (longName: string) => [
  ['data/a.csv', 'id,name\n1,a\n2,b\n'],
  ['data/b.csv', 'id,name\n3,c\n'],
  [longName, 'id,name\n4,d\n'],
  ['data/ä.csv', 'id,name\n5,ä\n'],
  ['readme.txt', 'hello'],
  ['data/empty.csv', 'id,name\n'],
]

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'read',
    (error: FanmillError) => error.code,
  )

describe('tar archives', () => {
  it.each([
    ['ustar', long.replace(/n+/, 'n'.repeat(90))],
    ['gnu', long],
    ['pax', long],
  ])(
    'have their members with long and foreign names in the format %s, plain and compressed',
    async (name, longName) => {
      const bytes = fixture(name)
      expect(await contents(bytes)).toEqual(files(longName))
      expect(await contents(gzipSync(bytes), 'a.tgz')).toEqual(files(longName))
      expect(await contents(zstdCompressSync(bytes), 'a.tar.zst')).toEqual(files(longName))
    },
  )

  it.each(['bz2', 'xz'])('are read in the compression %s', async ending => {
    const bytes = readFileSync(new URL(`../fixtures/tar/pax.tar.${ending}`, import.meta.url))
    expect(await contents(bytes, `a.tar.${ending}`)).toEqual(files(long))
    expect(await contents(bytes, `a.t${ending === 'xz' ? 'xz' : 'bz2'}`)).toEqual(files(long))
  })

  it('tell links, devices, pipes and files that a later one replaces from files', async () => {
    expect(await contents(fixture('links'))).toEqual([
      ['data/a.csv', 'id,name\n1,a\n'],
      ['data/soft.csv', 'expected a file, got a link'],
      ['data/hard.csv', 'expected a file, got a link'],
      ['data/pipe.csv', 'expected a file, got a device or a pipe'],
      ['data/device.csv', 'expected a file, got a device or a pipe'],
      ['data/b.csv', 'expected one file of this name, got a later one too, which replaces it'],
      ['data/b.csv', 'id,name\n2,b\n'],
    ])
  })

  it.each(['sparse-gnu', 'sparse-pax'])(
    'refuse a sparse file of %s by name, and read the file after it',
    async name => {
      const found = await contents(fixture(name))
      expect(found.at(0)).toEqual(['data/sparse.csv', 'expected a file with all its bytes, got a sparse file'])
      expect(found.at(-1)).toEqual(['data/a.csv', 'id,name\n1,a\n'])
    },
  )

  it('are refused when they are cut short anywhere, have no end, or other bytes behind it', async () => {
    const bytes = fixture('pax')
    const end = bytes.findLastIndex(byte => byte !== 0)
    for (let length = 0; length < end + 512; length += 97)
      expect([length, await codeOf(list(bytes.subarray(0, length)))]).toEqual([length, 'TAR_DAMAGED'])
    const contentEnd = Math.ceil((end + 1) / 512) * 512
    expect(await codeOf(list(bytes.subarray(0, contentEnd)))).toBe('TAR_DAMAGED')
    expect(await codeOf(list(bytes.subarray(0, contentEnd + 512)))).toBe('TAR_DAMAGED')
    expect(await codeOf(list(bytes.subarray(0, contentEnd + 1024)))).toBe('read')
    await expect(list(Buffer.concat([bytes, bytes]))).rejects.toThrow('a.tar: the tar archive is damaged at byte')
    expect(await codeOf(list(gzipSync(bytes.subarray(0, contentEnd)), 'a.tgz'))).toBe('TAR_DAMAGED')
    expect(await codeOf(list(gzipSync(bytes).subarray(0, -9), 'a.tgz'))).toBe('INPUT_INVALID')
    expect(await codeOf(list(Buffer.from('PK\x03\x04 and so on')))).toBe('TAR_DAMAGED')
  })

  it('are refused or read right when a byte of a header is another one', async () => {
    for (const name of ['gnu', 'pax', 'links']) {
      const right = await contents(fixture(name))
      const bytes = fixture(name)
      for (let at = 0; at < bytes.length; at += 31) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at]! + 1 + (at % 200)) & 255
        const found = await contents(changed).catch((error: FanmillError) => error.code)
        if (found === 'TAR_DAMAGED') continue
        // Contents have no checksum in tar; everything else is as it was.
        expect([name, at, (found as typeof right).map(([file]) => file.length)]).toEqual([
          name,
          at,
          right.map(([file]) => file.length),
        ])
      }
    }
  })

  it('are listed by ranges that leave large contents out, when they are plain', async () => {
    const bytes = buildTar({
      'large.csv': Buffer.alloc(30_000_000, 'x'),
      'a.csv': 'a',
      'b.csv': Buffer.alloc(9_000_000),
      'c.csv': '',
    })
    const store = memoryStore()
    await store.write('a.tar', bytes)
    const { table } = await archiveKind('a.tar').list(store, (await store.stat('a.tar'))!, { limits: zipLimits })
    expect([0, 1, 2, 3].map(index => table.name(index))).toEqual(['large.csv', 'a.csv', 'b.csv', 'c.csv'])
    expect(store.counts.bytesRead).toBeLessThan(300_000)
  })

  it('are refused by the limits on members, sizes and the ratio of the compression', async () => {
    const bytes = fixture('gnu')
    expect(await codeOf(list(bytes, 'a.tar', { ...zipLimits, memberCountMax: 3 }))).toBe('ZIP_LIMIT')
    expect(await codeOf(list(gzipSync(bytes), 'a.tgz', { ...zipLimits, archiveBytesMax: 5000 }))).toBe('ZIP_LIMIT')
    const bomb = gzipSync(Buffer.concat([bytes.subarray(0, -1024), Buffer.alloc(20 * 1024 * 1024)]), { level: 9 })
    expect(await codeOf(list(bomb, 'a.tgz', { ...zipLimits, ratioMax: 100 }))).toBe('ZIP_LIMIT')
  })
})
