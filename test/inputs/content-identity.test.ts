import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { contentIdentity, inputIdentity, knownIdentity } from '../../lib/inputs/identity/content-identity.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { openStore, type StoreSpec } from '../../lib/store/open-store.ts'
import type { Store, StoredObject } from '../../lib/store/store.ts'
import { type S3Server, startS3Server } from '../store/s3/server.ts'

describe('the identity of an object in S3', () => {
  let server: S3Server
  let spec: StoreSpec
  beforeAll(async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
    server = await startS3Server()
    spec = { kind: 's3', bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint: server.endpoint }
  })
  beforeEach(() => {
    server.objects.clear()
    server.requests.length = 0
  })
  afterAll(() => server.stop())

  const kms = { 'x-amz-server-side-encryption': 'aws:kms' }
  const crc32 = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-type': 'FULL_OBJECT' }
  const composite = { 'x-amz-checksum-sha256': 'AAAA-2', 'x-amz-checksum-type': 'COMPOSITE' }

  const put = (key: string, etag: string, headers: Readonly<Record<string, string>> = {}) => {
    server.objects.set(key, { bytes: Buffer.from('rows'), etag, token: '', headers })
  }

  /** Identifies all listed objects at the same time, as a run does. */
  async function identities(): Promise<string[]> {
    const store = openStore(spec)
    const objects = await all(store)
    server.requests.length = 0
    return Promise.all(objects.map(inputIdentity(spec, store)))
  }

  const looks = () => server.requests.filter(({ method }) => method === 'HEAD').length

  it('is its etag where that is of the content alone, for one request in all', async () => {
    for (const key of ['a', 'b', 'c']) put(key, `of-${key}`.replace('-', ''))
    expect(await identities()).toEqual(['etag:ofa', 'etag:ofb', 'etag:ofc'])
    expect(looks()).toBe(1)
  })

  it('is its checksum where KMS makes an etag of each write, so that the same file uploaded again is the same', async () => {
    put('a', 'first', { ...kms, ...crc32 })
    put('b', 'other', { 'x-amz-server-side-encryption': 'aws:kms:dsse', ...crc32 })
    const before = await identities()
    put('a', 'second', { ...kms, ...crc32 })
    expect(await identities()).toEqual(before)
    expect(before).toEqual(['crc32:AAAAAA==', 'crc32:AAAAAA=='])
    expect(looks()).toBe(2)
  })

  it('is the etag of one that KMS did not encrypt, in a bucket where it did others', async () => {
    put('a', 'first', { ...kms, ...crc32 })
    put('b', 'digest', crc32)
    expect(await identities()).toEqual(['crc32:AAAAAA==', 'etag:digest'])
  })

  it('is the checksum of what was uploaded in pieces, if one is kept of the whole, else its etag', async () => {
    put('a', 'pieces-2', crc32)
    put('b', 'pieces-3', composite)
    put('c', 'digest')
    expect(await identities()).toEqual(['crc32:AAAAAA==', 'etag:pieces-3', 'etag:digest'])
    expect(looks()).toBe(2)
  })
})

describe('the identity of a file', () => {
  it('is of its content, which is read once and remembered, whatever happened to the memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanmill-identity-'))
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), `rows of ${name === 'c' ? 'a' : name}`)
    const session = (input: Store) => ({ input, inputSpec: { kind: 'disk', folder } as const, workFolder: folder })
    const store = diskStore(folder)
    const objects = await all(store)
    const [a, b, c] = await Promise.all(objects.map(contentIdentity(session(store))))
    expect([a === b, a === c]).toEqual([false, true])

    const fail = () => expect.fail('read again')
    const unread = { ...store, url: store.url, stream: fail, scan: fail } as Store
    expect(await Promise.all(objects.map(contentIdentity(session(unread))))).toEqual([a, b, c])

    const memory = join(folder, 'identities')
    const text = await readFile(memory, 'utf8')
    await writeFile(memory, text.slice(0, -10))
    expect(await Promise.all(objects.map(contentIdentity(session(store))))).toEqual([a, b, c])
    expect(await Promise.all(objects.map(contentIdentity(session(store))))).toEqual([a, b, c])
    await rm(folder, { recursive: true })
  })

  it('is another one after an edit that kept size and modification time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanmill-identity-'))
    const file = join(folder, 'a.csv')
    await writeFile(file, 'id,price\n1,10\n')
    await utimes(file, 1, 1)
    const store = diskStore(folder)
    const places = { input: store, inputSpec: { kind: 'disk', folder }, workFolder: folder } as const
    const [before] = (await all(store)) as [StoredObject]
    const identity = await contentIdentity(places)(before)
    await writeFile(file, 'id,price\n1,99\n')
    await utimes(file, 1, 1)
    const [after] = (await all(store)).filter(({ key }) => key === 'a.csv') as [StoredObject]
    expect(after.etag).toBe(before.etag)
    expect(await contentIdentity(places)(after)).not.toBe(identity)
    expect(await knownIdentity(places)(after)).not.toBe(identity)
    await rm(folder, { recursive: true })
  })
})

async function all(store: Store): Promise<StoredObject[]> {
  const objects: StoredObject[] = []
  for await (const object of store.list('')) objects.push(object)
  return objects
}
