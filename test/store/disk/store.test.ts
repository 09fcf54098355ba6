import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { truncateSync, utimesSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskStore } from '../../../lib/store/disk/store.ts'
import { openStore } from '../../../lib/store/open-store.ts'
import { bytes, storeSuite, text } from '../store.suite.ts'

storeSuite('disk', folder => openStore({ kind: 'disk', folder }))

describe('the disk store', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanmill-disk-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const list = async (prefix = '') => {
    const keys: string[] = []
    for await (const { key } of diskStore(folder).list(prefix)) keys.push(key)
    return keys
  }

  it.each(['../a', 'a/../../b', '/etc/passwd', 'a//b', './a', '', 'a\0b'])('refuses the key %j', async key => {
    const store = diskStore(folder)
    await expect(async () => store.write(key, bytes('x'))).rejects.toThrow('expected a key below the root')
    await expect(async () => store.read(key)).rejects.toThrow('expected a key below the root')
  })

  it('lists a missing folder as empty', async () => {
    expect(await diskStore(join(folder, 'none')).list('')[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
  })

  it('follows links to files and folders, but not in circles', async () => {
    await mkdir(join(folder, 'data/sub'), { recursive: true })
    await writeFile(join(folder, 'data/a.csv'), 'x')
    await symlink(join(folder, 'data'), join(folder, 'data/sub/up'))
    await symlink(join(folder, 'data/a.csv'), join(folder, 'b.csv'))
    await symlink(join(folder, 'gone'), join(folder, 'dangling'))
    expect(await list()).toEqual(['b.csv', 'data/a.csv', 'data/sub/up/a.csv'])
  })

  it('removes the folders that removals at the same time leave empty', async () => {
    const store = diskStore(folder)
    const keys = Array.from({ length: 50 }, (_, index) => `runs/1/${index}.json`)
    for (const key of [...keys, 'runs/2/a.json']) await store.write(key, bytes('x'))
    await Promise.all([...keys, 'runs/1/absent.json'].map(key => store.remove(key)))
    expect(await readdir(join(folder, 'runs'))).toEqual(['2'])
  })

  it('detects a file that was rewritten in place with the same size', async () => {
    const store = diskStore(folder)
    await writeFile(join(folder, 'a'), 'one')
    await utimes(join(folder, 'a'), 1, 1)
    const etag = (await store.stat('a'))?.etag
    await writeFile(join(folder, 'a'), 'two')
    await expect(store.read('a', { ...(etag ? { etag } : {}) })).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
  })

  it('detects a file that changes while it is streamed', async () => {
    await writeFile(join(folder, 'a'), Buffer.alloc(3 << 20))
    const store = diskStore(folder)
    const etag = (await store.stat('a'))!.etag
    const pieces = store.stream('a', { etag })[Symbol.asyncIterator]()
    await pieces.next()
    await utimes(join(folder, 'a'), 1, 1)
    await expect(pieces.next()).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
  })

  it('scans all bytes of a file in their order, and lets other work of the thread run meanwhile', async () => {
    const content = Buffer.alloc((9 << 20) + 7).map((_, index) => index % 251)
    await writeFile(join(folder, 'a'), content)
    const store = diskStore(folder)
    const etag = (await store.stat('a'))!.etag
    const pieces: Uint8Array[] = []
    let turns = 0
    const timer = setInterval(() => turns++)
    await store.scan!('a', { etag }, piece => {
      pieces.push(piece.slice())
      // Slower than a millisecond, so that a timer is due at each turn.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    })
    clearInterval(timer)
    expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0)
    expect(turns).toBeGreaterThan(0)
  })

  it('detects a file that changes while it is scanned', async () => {
    await writeFile(join(folder, 'a'), Buffer.alloc(1 << 20))
    const store = diskStore(folder)
    const etag = (await store.stat('a'))!.etag
    const scanning = store.scan!('a', { etag }, () => utimesSync(join(folder, 'a'), 1, 1))
    await expect(scanning).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
    const shorter = store.scan!('a', {}, () => truncateSync(join(folder, 'a'), 10))
    await expect(shorter).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
  })

  it('names the key and the errno of a fault', async () => {
    await writeFile(join(folder, 'file'), 'x')
    const failed = diskStore(folder).write('file/below', bytes('x'))
    await expect(failed).rejects.toMatchObject({
      code: 'STORE_FAILED',
      detail: { key: 'file/below', errno: 'ENOTDIR' },
    })
  })

  it('reports a full disk as a CapacityError', async () => {
    // /dev/full answers every write as a full disk does.
    await symlink('/dev/full', join(folder, 'staged'))
    const { withFaults } = await import('../../../lib/store/disk/fault.ts')
    const failed = withFaults('write', 'some/key', () => writeFile(join(folder, 'staged'), 'x'))
    await expect(failed).rejects.toMatchObject({
      name: 'CapacityError',
      code: 'DISK_FULL',
      detail: { key: 'some/key' },
    })
  })

  it('loses no change when several processes write at once', async () => {
    const store = diskStore(folder)
    await store.create('count', bytes('0'))
    const module = new URL('../../../lib/store/disk/store.ts', import.meta.url).href
    const script = `
      const { diskStore } = await import(${JSON.stringify(module)})
      const store = diskStore(${JSON.stringify(folder)})
      for (let done = 0; done < 20; ) {
        const found = await store.stat('count')
        const value = await store.read('count', { etag: found.etag }).catch(() => undefined)
        if (!value) continue
        const next = new TextEncoder().encode(String(Number(new TextDecoder().decode(value)) + 1))
        if (await store.replace('count', next, found.etag)) done++
      }`
    const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    await Promise.all([run(), run(), run()])
    expect(text(await store.read('count'))).toBe('60')
    expect(await readdir(join(folder, '.fanmill/tmp'))).toEqual([])
  })

  it('takes over the lock of an ended process and removes its temporary files', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    const store = diskStore(folder)
    const etag = (await store.create('head', bytes('1')))!
    const { createHash } = await import('node:crypto')
    const lock = `lock-${createHash('sha256').update('head').digest('hex').slice(0, 16)}-1`
    const temporary = join(folder, '.fanmill/tmp')
    await writeFile(join(temporary, lock), JSON.stringify([hostname(), child.pid]))
    await writeFile(join(temporary, `${encodeURIComponent(hostname())}~${child.pid}~left`), 'half')
    expect(await diskStore(folder).replace('head', bytes('2'), etag)).toBeDefined()
    expect(await readdir(temporary)).toEqual([])
  })

  it('does not list its own temporary files', async () => {
    const store = diskStore(folder)
    await store.write('a', bytes('x'))
    await writeFile(join(folder, '.fanmill/tmp/x'), 'x')
    expect(await list()).toEqual(['a'])
    expect(await list('.fanmill/')).toEqual([])
  })

  it('keeps a pending part outside the folder of the dataset until it is renamed into it', async () => {
    const store = diskStore(folder)
    await writeFile(join(folder, 'made'), 'rows')
    const run = { runId: '0123456789abcdef', attempt: 2, token: 'a' }
    const part = await store.stagePart('out/y=1/part.parquet', join(folder, 'made'), run)
    const file = '.fanmill/pending/0123456789abcdef/2/a/out/y=1/part.parquet'
    expect(await store.listParts('out/')[Symbol.asyncIterator]().next()).toMatchObject({ value: { ...part, file } })
    expect(await readdir(folder)).toEqual(['.fanmill'])
    const { ino } = await stat(join(folder, file))
    expect(await store.completePart(part)).toBe(true)
    expect((await stat(join(folder, 'out/y=1/part.parquet'))).ino).toBe(ino)
    expect(await readdir(folder)).toEqual(['out'])
  })

  it('creates no folder for a pending part that does not exist', async () => {
    const part = { key: 'out/part.parquet', sizeBytes: 4, token: 'a', uploadId: '0/1/a' }
    expect(await diskStore(folder).completePart(part)).toBe(false)
    expect(await readdir(folder)).toEqual([])
  })

  it('removes only the folders that become empty by its own removals', async () => {
    const store = diskStore(folder)
    await store.write('a/b/c/x', bytes('x'))
    await store.write('a/y', bytes('y'))
    await store.remove('a/b/c/x')
    expect(await readdir(folder, { recursive: true })).toEqual(expect.not.arrayContaining(['a/b']))
    await store.remove('a/y')
    expect(await readdir(folder)).toEqual(['.fanmill'])
  })

  it('gives a replaced file a later modification time, so that no etag is used twice', async () => {
    const store = diskStore(folder)
    await store.write('head', bytes('1'))
    const future = Math.ceil(Date.now() / 1000) + 3600
    await utimes(join(folder, 'head'), future, future)
    const { etag } = (await store.stat('head'))!
    expect(await store.replace('head', bytes('2'), etag)).toBeDefined()
    expect((await stat(join(folder, 'head'))).mtimeMs).toBeGreaterThan(future * 1000)
  })

  it('does not read a folder as an object', async () => {
    await mkdir(join(folder, 'sub'))
    const store = diskStore(folder)
    expect(await store.stat('sub')).toBeUndefined()
    await expect(store.read('sub')).rejects.toMatchObject({ code: 'DATASET_MISSING' })
  })
})
