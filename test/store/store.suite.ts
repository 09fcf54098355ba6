/** The tests that every store must pass. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PendingPart, Store, StoredObject } from '../../lib/store/store.ts'

/** Opens an empty store; whatever it needs lies below `folder`, which is removed afterwards. */
export function storeSuite(name: string, open: (folder: string) => Store | Promise<Store>): void {
  describe(`${name} as a store`, () => {
    let folder: string
    let store: Store
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fanmill-store-'))
      store = await open(join(folder, 'root'))
    })
    afterEach(() => rm(folder, { recursive: true, force: true }))

    const stage = async (key: string, token: string, content: string): Promise<PendingPart> => {
      const file = join(folder, `staged-${token}`)
      await writeFile(file, content)
      return store.stagePart(key, file, { runId: '0', attempt: 1, token })
    }

    it('reads what it wrote, whole and by range', async () => {
      const etag = await store.write('a/b.txt', bytes('hello world'))
      expect({ ...(await store.stat('a/b.txt')), changed: undefined }).toEqual({ key: 'a/b.txt', sizeBytes: 11, etag })
      expect(text(await store.read('a/b.txt'))).toBe('hello world')
      expect(text(await store.read('a/b.txt', { range: { start: 6, end: 9 }, etag }))).toBe('wor')
      expect(await store.read('a/b.txt', { range: { start: 3, end: 3 } })).toHaveLength(0)
    })

    it('reads and lists an empty object', async () => {
      const etag = await store.write('empty', bytes(''))
      expect(await store.read('empty')).toHaveLength(0)
      expect(await collect(store.stream('empty'))).toEqual([])
      expect(await collect(store.list(''))).toMatchObject([{ key: 'empty', sizeBytes: 0, etag }])
    })

    it('streams a range in order, in pieces', async () => {
      const content = new Uint8Array(3_000_000).map((_, index) => index % 251)
      await store.write('big', content)
      const pieces = await collect(store.stream('big', { range: { start: 10, end: 2_999_990 } }))
      expect(pieces.length).toBeGreaterThan(1)
      expect(Buffer.compare(Buffer.concat(pieces), content.subarray(10, 2_999_990))).toBe(0)
    })

    it('refuses to read a version other than the pinned one, or beyond the end', async () => {
      const etag = await store.write('a', bytes('one'))
      await store.write('a', bytes('three'))
      await expect(store.read('a', { etag })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
      await expect(collect(store.stream('a', { etag }))).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
      await expect(store.read('a', { range: { start: 0, end: 6 } })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
    })

    it('reports a missing object', async () => {
      expect(await store.stat('none')).toBeUndefined()
      await expect(store.read('none')).rejects.toMatchObject({ code: 'DATASET_MISSING', detail: { key: 'none' } })
      await expect(collect(store.stream('none'))).rejects.toMatchObject({ code: 'DATASET_MISSING' })
      await store.remove('none')
    })

    it('lists in the order of UTF-8 bytes, by prefix and not by folder', async () => {
      const keys = ['a/x', 'a.txt', 'a/b/c', 'ab', 'b', 'a/é', 'a/\u{1F600}', 'a/\uFF5E']
      for (const key of keys) await store.write(key, bytes(key))
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await keysOf(store.list(''))).toEqual(sorted)
      expect(await keysOf(store.list('a/'))).toEqual(sorted.filter(key => key.startsWith('a/')))
      expect(await keysOf(store.list('a'))).toEqual(sorted.filter(key => key.startsWith('a')))
      expect(await keysOf(store.list('zzz/'))).toEqual([])
    })

    it('lists the folders one or two levels below a folder, without their contents', async () => {
      const keys = [
        'r/a/1/x',
        'r/a/1/y/z',
        'r/a/2/x',
        'r/a/10/x',
        'r/a/file',
        'r/b.txt',
        'r/b/1/x',
        'r/é/1/x',
        'rest/a/1/x',
      ]
      for (const key of keys) await store.write(key, bytes(key))
      for (let n = 0; n < 9; n++) await store.write(`r/a/1/many/${n}`, bytes('x'))
      expect(await collect(store.listFolders('r/'))).toEqual(['r/a/', 'r/b/', 'r/é/'])
      const below = ['r/a/1/', 'r/a/10/', 'r/a/2/', 'r/b/1/', 'r/é/1/']
      expect(await collect(store.listFolders('r/', { depth: 2 }))).toEqual(below)
      expect(await collect(store.listFolders(''))).toEqual(expect.arrayContaining(['r/', 'rest/']))
      expect(await collect(store.listFolders('none/', { depth: 2 }))).toEqual([])
      const aborted = collect(store.listFolders('r/', { depth: 2, signal: AbortSignal.abort() }))
      await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    })

    it('creates an object once when several try', async () => {
      const tries = await Promise.all([1, 2, 3, 4, 5].map(n => store.create('once', bytes(`try ${n}`))))
      const winners = tries.filter(etag => etag !== undefined)
      expect(winners).toHaveLength(1)
      expect((await store.stat('once'))?.etag).toBe(winners[0])
      expect(await store.create('once', bytes('late'))).toBeUndefined()
    })

    it('replaces only the given version', async () => {
      const first = (await store.create('head', bytes('1')))!
      const second = (await store.replace('head', bytes('2'), first))!
      expect(second).not.toBe(first)
      expect(await store.replace('head', bytes('3'), first)).toBeUndefined()
      expect(await store.replace('none', bytes('3'), first)).toBeUndefined()
      expect(text(await store.read('head', { etag: second }))).toBe('2')
    })

    it('loses no change when many are made at once', async () => {
      await store.create('count', bytes('0'))
      const add = async () => {
        for (;;) {
          const found = (await store.stat('count'))!
          const value = await store.read('count', { etag: found.etag }).catch(() => undefined)
          if (value && (await store.replace('count', bytes(`${Number(text(value)) + 1}`), found.etag))) return
        }
      }
      await Promise.all(Array.from({ length: 12 }, add))
      expect(text(await store.read('count'))).toBe('12')
    })

    it('shows a part only when it is completed', async () => {
      const part = await stage('out/part.parquet', 'token-1', 'rows')
      expect(part).toMatchObject({ key: 'out/part.parquet', sizeBytes: 4, token: 'token-1' })
      await expect(stat(join(folder, 'staged-token-1'))).rejects.toThrow('ENOENT')
      expect(await keysOf(store.list(''))).toEqual([])
      expect(await store.stat(part.key)).toBeUndefined()
      expect(await store.hasPart(part)).toBe(true)
      expect(await store.completePart(part)).toBe(true)
      expect(text(await store.read(part.key))).toBe('rows')
      expect(await store.hasPart(part)).toBe(false)
    })

    it('completes a part again as long as its object is unchanged', async () => {
      const part = await stage('part', 'a', 'rows')
      await store.completePart(part)
      expect(await store.completePart(part)).toBe(true)
      const other = await stage('part', 'b', 'ROWS')
      expect(await store.completePart(other)).toBe(true)
      expect(await store.completePart(part)).toBe(false)
      expect(text(await store.read('part'))).toBe('ROWS')
      await store.remove('part')
      expect(await store.completePart(other)).toBe(false)
      expect(await store.stat('part')).toBeUndefined()
    })

    it('forgets an aborted part', async () => {
      const part = await stage('part', 'a', 'rows')
      await store.abortPart(part)
      await store.abortPart(part)
      expect(await store.hasPart(part)).toBe(false)
      expect(await store.completePart(part)).toBe(false)
    })

    it('keeps the later of two parts staged under one key and token', async () => {
      await stage('part', 'a', 'first')
      const part = await stage('part', 'a', 'second!')
      expect(await keysOf(store.listParts(''))).toEqual(['part'])
      expect(await store.completePart(part)).toBe(true)
      expect(text(await store.read('part'))).toBe('second!')
    })

    it('lists pending parts, which can be aborted', async () => {
      await stage('out/a.parquet', 'one', 'rows')
      await stage('out/b.parquet', 'two', 'rows')
      await stage('outer/c.parquet', 'three', 'rows')
      expect(await keysOf(store.listParts('out/'))).toEqual(['out/a.parquet', 'out/b.parquet'])
      for await (const part of store.listParts('')) await store.abortPart(part)
      expect(await keysOf(store.listParts(''))).toEqual([])
    })

    it('stops at an aborted signal', async () => {
      await store.write('a', bytes('one'))
      const signal = AbortSignal.abort()
      await expect(store.read('a', { signal })).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(collect(store.list('', signal))).rejects.toMatchObject({ code: 'ABORTED' })
    })

    it('leaves no other files in the local folder', async () => {
      await store.write('a', bytes('one'))
      await store.replace('a', bytes('two'), (await store.stat('a'))!.etag)
      await store.completePart(await stage('deep/er/part', 'a', 'rows'))
      await store.remove('deep/er/part')
      await store.abortPart(await stage('other/part', 'a', 'rows'))
      const left = await readdir(folder, { recursive: true, withFileTypes: true })
      expect(left.filter(entry => entry.isFile()).map(entry => entry.name)).toEqual(name === 'disk' ? ['a'] : [])
      expect(left.map(entry => entry.name)).not.toContain('deep')
    })
  })
}

/** Text as UTF-8. */
export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

/** UTF-8 as text. */
export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content)
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function keysOf(objects: AsyncIterable<Pick<StoredObject, 'key'>>): Promise<string[]> {
  return (await collect(objects)).map(object => object.key)
}
