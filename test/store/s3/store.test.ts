import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { leaseMs } from '../../../lib/local/task-context.ts'
import { outageMs } from '../../../lib/store/outage.ts'
import type { S3StoreSpec } from '../../../lib/store/s3/access.ts'
import type { RetryClock } from '../../../lib/store/s3/request-gate.ts'
import { s3Store } from '../../../lib/store/s3/store.ts'
import type { Store } from '../../../lib/store/store.ts'
import { bytes, storeSuite, text } from '../store.suite.ts'
import { type Fault, type S3Request, type S3Server, startS3Server } from './server.ts'

const forMs = (ms: number) => (startedAtMs: number) => startedAtMs + ms
const retry = { firstPauseMs: 1, pauseMsMax: 2, untilMs: forMs(60_000) }
const spec = { kind: 's3', bucket: 'bucket', prefix: 'root/', region: 'us-east-1' } as const
let server: S3Server

beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
  server = await startS3Server()
})
beforeEach(() => {
  server.objects.clear()
  server.requests.length = 0
  server.fault = () => undefined
  server.aheadMs = 0
  server.rate = undefined
  server.hasObjectLock = false
  server.isRequesterPays = false
})
afterAll(() => server.stop())

/** Time that passes in pauses alone. */
function virtualClock(): RetryClock {
  let now = 0
  return {
    now: () => now,
    async pause(ms) {
      now += ms
    },
  }
}

/** Waits in virtual time. */
const hastyStore = (): Store => s3Store({ ...spec, endpoint: server.endpoint }, { clock: virtualClock() })
const openStore = (): Store => s3Store({ ...spec, endpoint: server.endpoint }, retry)

storeSuite('S3 over HTTP', openStore)

describe('the S3 store', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
  const ranges = () => server.requests.filter(each => each.method === 'GET').map(each => each.headers.range)

  /** The first requests that match have these faults, in turn. */
  const failFirst = (matches: (request: S3Request) => boolean, ...faults: Fault[]): void => {
    server.fault = request => (matches(request) ? faults.shift() : undefined)
  }
  const isGet = ({ method }: S3Request) => method === 'GET'
  const isPut = ({ method }: S3Request) => method === 'PUT'

  it.each(['cut', 'short'] as const)(
    'resumes a body that is %s where it stopped, pinned to what it began with',
    async kind => {
      const etag = await openStore().write('a', content)
      failFirst(isGet, { kind, afterBytes: 1000 }, { kind, afterBytes: 0 }, { kind, afterBytes: 99_000 })
      const range = { start: 0, end: 300_000 }
      expect(Buffer.compare(await openStore().read('a', { range }), content)).toBe(0)
      expect(ranges()).toEqual(['bytes=0-299999', 'bytes=1000-299999', 'bytes=1000-299999', 'bytes=100000-299999'])
      expect(server.requests.at(-1)?.headers['if-match']).toBe(`"${etag}"`)
    },
  )

  it('resumes a body that ends early', async () => {
    await openStore().write('a', content)
    server.fault = request => (isGet(request) ? { kind: 'short', afterBytes: 0 } : undefined)
    await expect(hastyStore().read('a', { range: { start: 5, end: 50 } })).rejects.toMatchObject({
      name: 'TransientError',
      code: 'STORE_FAILED',
      message: expect.stringMatching(/its body ended at byte 5 of 50, tried \d+ times/),
    })
  })

  it('refuses to resume a body from a changed object', async () => {
    const etag = await openStore().write('a', content)
    failFirst(isGet, { kind: 'cut', afterBytes: 10 })
    const pieces = openStore().stream('a', { etag })[Symbol.asyncIterator]()
    await pieces.next()
    await openStore().write('a', bytes('another'))
    await expect(pieces.next()).rejects.toMatchObject({ code: 'INPUT_CHANGED' })
  })

  it('starts an unpinned read again when the object was replaced', async () => {
    await openStore().write('a', content)
    let isFirst = true
    server.fault = request => {
      if (!isGet(request) || !isFirst) return undefined
      isFirst = false
      setImmediate(() => server.objects.set('root/a', { bytes: Buffer.from('newer'), etag: 'newer', token: '' }))
      return { kind: 'cut', afterBytes: 10 }
    }
    expect(text(await openStore().read('a'))).toBe('newer')
  })

  it.each([
    ['SlowDown', 503],
    ['InternalError', 500],
    ['RequestTimeout', 400],
    ['RequestTimeTooSkewed', 403],
    ['ExpiredToken', 400],
    ['TooManyRequests', 429],
  ])('retries after %s', async (code, status) => {
    failFirst(() => true, { kind: 'refuse', status, code }, { kind: 'refuse', status, code })
    await openStore().write('a', bytes('rows'))
    expect(server.requests).toHaveLength(3)
  })

  describe('in an outage', () => {
    const during = (clock: RetryClock, seconds: number) => () =>
      clock.now() < seconds * 1000 ? ({ kind: 'refuse', status: 500, code: 'InternalError' } as const) : undefined
    const storeOf = (clock: RetryClock, options: Partial<S3StoreSpec> = {}) =>
      s3Store({ ...spec, endpoint: server.endpoint, ...options }, { clock })

    it('waits more than a minute on behalf of a run on a laptop, whose leases allow that', async () => {
      const clock = virtualClock()
      server.fault = during(clock, 61)
      await storeOf(clock, { retryMs: outageMs }).write('a', bytes('rows'))
      expect(clock.now()).toBeGreaterThan(61_000)
      expect(leaseMs / 2).toBeGreaterThan(outageMs + 12_000)
    })

    it('resumes a body after more than a minute', async () => {
      await openStore().write('a', content)
      const clock = virtualClock()
      let reads = 0
      server.fault = () => (reads++ === 0 ? { kind: 'cut', afterBytes: 1000 } : during(clock, 61)())
      const range = { start: 0, end: 300_000 }
      expect(Buffer.compare(await storeOf(clock, { retryMs: outageMs }).read('a', { range }), content)).toBe(0)
    })

    it('fails within the half of a short lease, and says how often it tried', async () => {
      const clock = virtualClock()
      server.fault = during(clock, 61)
      await expect(storeOf(clock).write('a', bytes('rows'))).rejects.toMatchObject({
        name: 'TransientError',
        detail: { tries: expect.any(Number) },
      })
      expect(clock.now()).toBeLessThanOrEqual(15_000)
    })

    it('gives up an address that never answered after 15 seconds', async () => {
      const clock = virtualClock()
      const wrong = { bucket: 'elsewhere', endpoint: 'http://127.0.0.1:1', retryMs: outageMs }
      await expect(storeOf(clock, wrong).read('a')).rejects.toThrow(/ECONNREFUSED, tried \d+ times/)
      expect(clock.now()).toBeLessThanOrEqual(15_000)
    })
  })

  describe('when S3 refuses requests with SlowDown', () => {
    const writes = 200
    const writeAll = (store: Store) =>
      Promise.allSettled(Array.from({ length: writes }, (_, index) => store.write(`part-${index}`, bytes('rows'))))
    /** A bucket of its own, whose gates have seen nothing. */
    const storeOf = (bucket: string, refusedMs?: number) =>
      s3Store(
        { ...spec, bucket, endpoint: server.endpoint, retryMs: 300, refusedMs },
        { firstPauseMs: 20, pauseMsMax: 500 },
      )
    beforeEach(() => {
      server.rate = { perSecond: 100, burst: 10 }
    })

    it('writes everything with fewer requests at once, when there is time', async () => {
      const ends = await writeAll(storeOf('patient', 600_000))
      expect(ends.filter(end => end.status === 'rejected')).toEqual([])
      expect(server.objects.size).toBe(writes)
      expect(server.requests.length).toBeLessThan(3 * writes)
    })

    it('fails after its budget when a lease might expire', async () => {
      const ends = await writeAll(storeOf('claimed'))
      const faults = ends.flatMap(end => (end.status === 'rejected' ? end.reason : []))
      expect(faults.length).toBeGreaterThan(0)
      for (const fault of faults) expect(fault).toMatchObject({ name: 'TransientError', code: 'STORE_FAILED' })
      expect(server.objects.size).toBe(writes - faults.length)
    })
  })

  it.each([
    ['RequestTimeTooSkewed', 403],
    ['ExpiredToken', 400],
    ['SlowDown', 503],
  ])('retries a HEAD after %s, although its answer has no error code', async (code, status) => {
    await openStore().write('a', bytes('rows'))
    const isFirst = ({ number }: S3Request) => number > 1
    failFirst(isFirst, { kind: 'refuse', status, code }, { kind: 'refuse', status, code })
    expect(await openStore().stat('a')).toMatchObject({ sizeBytes: 4 })
  })

  it('retries a HEAD with the corrected clock when the clock of the machine is wrong', async () => {
    await openStore().write('empty', Buffer.alloc(0))
    server.aheadMs = 3_600_000
    const earliest = compact(Date.now() + server.aheadMs - 900_000)
    const isSkewed = ({ headers }: S3Request) => (headers['x-amz-date'] ?? '') < earliest
    server.fault = request =>
      isSkewed(request) ? { kind: 'refuse', status: 403, code: 'RequestTimeTooSkewed' } : undefined
    expect(await openStore().stat('empty')).toMatchObject({ sizeBytes: 0 })
  })

  it('names the reason why a HEAD was refused', async () => {
    server.fault = () => ({ kind: 'refuse', status: 403, code: 'AccessDenied' })
    await expect(openStore().stat('a')).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'STORE_FAILED',
      message: expect.stringContaining('access denied'),
      detail: { reason: 'AccessDenied' },
    })
    // The last one agrees to pay, in case the reason is Requester Pays.
    expect(server.requests.map(({ method, headers }) => [method, headers['x-amz-request-payer']])).toEqual([
      ['HEAD', undefined],
      ['GET', undefined],
      ['GET', 'requester'],
    ])
  })

  it('fails after its last try with a TransientError that counts the tries', async () => {
    server.fault = () => ({ kind: 'refuse', status: 503, code: 'SlowDown' })
    const store = s3Store({ ...spec, endpoint: server.endpoint, retryMs: 2_000 })
    const fault = await store.write('a', bytes('rows')).catch((error: unknown) => error)
    const tries = server.requests.filter(isPut).length
    const detail = { key: 'a', status: 503, reason: 'SlowDown', tries }
    expect(fault).toMatchObject({ name: 'TransientError', code: 'STORE_FAILED', detail })
  })

  it.each([
    ['AccessDenied', 403, 'access denied'],
    ['NoSuchBucket', 404, 'there is no such bucket'],
    ['InvalidAccessKeyId', 403, 'sign in'],
    ['InvalidRequest', 400, '400 InvalidRequest'],
  ])('does not retry after %s', async (code, status, message) => {
    server.fault = () => ({ kind: 'refuse', status, code })
    await expect(openStore().write('a', bytes('rows'))).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'STORE_FAILED',
      message: expect.stringContaining(message),
    })
    expect(server.requests).toHaveLength(1)
  })

  it('recognises its own object when the answer to a create was lost', async () => {
    failFirst(isPut, { kind: 'lose' })
    const etag = await openStore().create('a', bytes('mine'))
    expect(etag).toBe((await openStore().stat('a'))?.etag)
    failFirst(isPut, { kind: 'refuse', status: 503, code: 'SlowDown' })
    expect(await openStore().create('a', bytes('mine'))).toBeUndefined()
  })

  it('recognises its own object when the answer to a replace was lost', async () => {
    const first = await openStore().write('a', bytes('1'))
    failFirst(isPut, { kind: 'lose' })
    const second = await openStore().replace('a', bytes('2'), first)
    expect(second).toBe((await openStore().stat('a'))?.etag)
    failFirst(isPut, { kind: 'lose' })
    expect(await openStore().replace('a', bytes('3'), first)).toBeUndefined()
  })

  it('checks token and size when the answer to a complete was lost or is wrong', async () => {
    const isComplete = ({ method, query }: S3Request) => method === 'POST' && query.has('uploadId')
    for (const fault of [{ kind: 'lose' }, { kind: 'lie', code: 'InternalError' }] as const) {
      const part = await stage(openStore(), 'part', 'token', bytes('rows'))
      failFirst(isComplete, fault)
      expect(await openStore().completePart(part)).toBe(true)
      await openStore().write('part', bytes('ROWS'))
      expect(await openStore().completePart(part)).toBe(false)
    }
  })

  it('uploads a large part in pieces, and retries each piece alone', async () => {
    const large = Buffer.alloc(40 * 1024 * 1024, 'pieces ')
    failFirst(({ query }) => query.get('partNumber') === '2', { kind: 'refuse', status: 503, code: 'SlowDown' })
    const store = openStore()
    const part = await stage(store, 'part', 'token', large)
    expect(part.etags).toHaveLength(3)
    expect(server.requests.filter(isPut)).toHaveLength(4)
    expect(await store.completePart(part)).toBe(true)
    expect(Buffer.compare(await store.read('part'), large)).toBe(0)
  })

  it('aborts the upload of a part that cannot be staged', async () => {
    server.fault = ({ query }) =>
      query.has('partNumber') ? { kind: 'refuse', status: 403, code: 'AccessDenied' } : undefined
    const store = openStore()
    await expect(stage(store, 'part', 'token', bytes('rows'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    server.fault = () => undefined
    expect(await keysOf(store.listParts(''))).toEqual([])
  })

  it('needs three requests for a small part, from staging to visible', async () => {
    const store = openStore()
    await store.completePart(await stage(store, 'part', 'token', bytes('rows')))
    expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'PUT', 'POST'])
  })

  it('lists page by page, without the folder markers that the console creates', async () => {
    const store = openStore()
    for (const name of ['', 'b', 'c', 'd', 'e/', 'f', 'g', 'h'])
      server.objects.set(`root/${name}`, { bytes: Buffer.alloc(1), etag: 'e', token: '' })
    expect(await keysOf(store.list(''))).toEqual(['b', 'c', 'd', 'f', 'g', 'h'])
    expect(server.requests).toHaveLength(3)
  })

  it('lists the folders of many runs with one request per page or folder, however many files they hold', async () => {
    const store = openStore()
    const names = Array.from({ length: 6 }, (_, n) => `runs/${n}/1/`)
    for (const name of names)
      for (let file = 0; file < 50; file++)
        server.objects.set(`root/${name}${file}`, { bytes: Buffer.alloc(1), etag: 'e', token: '' })
    const folders: string[] = []
    for await (const key of store.listFolders('runs/')) folders.push(key)
    expect(folders).toEqual(names.map(name => name.slice(0, -2)))
    expect(server.requests).toHaveLength(2)
    const attempts: string[] = []
    for await (const key of store.listFolders('runs/', { depth: 2 })) attempts.push(key)
    expect(attempts).toEqual(names)
    // Two for the runs, one for the files of each: pages of this server have three keys, and a hundred would list all files.
    expect(server.requests.length - 2).toBeLessThanOrEqual(2 + 6 + 1)
  })

  it('encrypts everything with the given KMS key', async () => {
    const store = s3Store({ ...spec, endpoint: server.endpoint, kmsKeyId: 'alias/key' }, retry)
    await store.write('a', bytes('x'))
    await stage(store, 'part', 'token', bytes('rows'))
    const writes = server.requests.filter(({ query }) => !query.has('partNumber'))
    expect(writes.map(({ headers }) => headers['x-amz-server-side-encryption-aws-kms-key-id'])).toEqual([
      'alias/key',
      'alias/key',
    ])
    const bucketKeys = writes.map(({ headers }) => headers['x-amz-server-side-encryption-bucket-key-enabled'])
    expect(bucketKeys).toEqual(['true', 'true'])
  })

  it('sends the digest of each body to a bucket with Object Lock', async () => {
    server.hasObjectLock = true
    const store = s3Store({ ...spec, bucket: 'locked', endpoint: server.endpoint }, retry)
    await store.write('a', bytes('x'))
    expect(await store.create('b', bytes('y'))).toBeDefined()
    const part = await stage(store, 'part', 'token', bytes('rows'))
    expect(await store.completePart(part)).toBe(true)
    expect(text(await store.read('part'))).toBe('rows')
    const bodies = server.requests.filter(isPut)
    expect(bodies.map(({ headers }) => headers['content-md5'] !== undefined)).toEqual([false, true, true, true])
  })

  it('sends no digest to other buckets', async () => {
    await openStore().write('a', bytes('x'))
    expect(server.requests.map(({ headers }) => headers['content-md5'])).toEqual([undefined])
  })

  it('refuses a bucket with Requester Pays by that name, whichever request comes first', async () => {
    server.isRequesterPays = true
    const refused = /expected a bucket whose owner pays, got one with Requester Pays, which is not supported; copy its/
    await expect(Array.fromAsync(openStore().list('data/'))).rejects.toThrow(refused)
    await expect(openStore().read('a')).rejects.toThrow(refused)
    await expect(openStore().stat('a')).rejects.toThrow(refused)
    server.fault = () => ({ kind: 'refuse', status: 403, code: 'AccessDenied' })
    await expect(openStore().read('a')).rejects.toThrow(/access denied; check that the role may read, .* there$/)
  })

  it('ends a pause between retries when the run is aborted', async () => {
    server.fault = () => ({ kind: 'refuse', status: 503, code: 'SlowDown' })
    const abort = new AbortController()
    const patient = s3Store(
      { ...spec, endpoint: server.endpoint },
      { firstPauseMs: 1e9, pauseMsMax: 1e9, untilMs: forMs(1e10) },
    )
    const reading = patient.read('a', { signal: abort.signal })
    const refused = expect(reading).rejects.toMatchObject({ code: 'ABORTED' })
    while (server.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
    abort.abort()
    await refused
  })
})

/** Formats a date as requests do. */
const compact = (time: number): string => new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, '')

async function stage(store: Store, key: string, token: string, content: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-s3-'))
  const file = join(folder, 'part')
  await writeFile(file, content)
  const part = await store.stagePart(key, file, { runId: '0', attempt: 1, token })
  await rm(folder, { recursive: true })
  return part
}

async function keysOf(objects: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of objects) keys.push(key)
  return keys
}
