/** The object store of a bucket, or of a prefix in it. */
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { throwIfAborted } from '../../errors/abort.ts'
import { hasCode } from '../../errors/expected.ts'
import { statusOf } from '../network-fault.ts'
import type { ContentMarks, FolderListOptions, ReadOptions, Store, StoredObject } from '../store.ts'
import { checkKey, S3Access, type S3StoreSpec, tokenName } from './access.ts'
import { bareEtag, readBody } from './body.ts'
import { isUncertain } from './fault.ts'
import { listS3Folders } from './folders.ts'
import { S3Parts } from './parts.ts'
import { defaultRetry, leasedMs, type RetryPolicy } from './retry.ts'

/**
 * Opens the store of a bucket. Nothing is sent or loaded before the first request.
 *
 * Requests are retried after transient faults, as `retry` allows. A write carries a token as metadata: when its answer was lost and
 * the next try fails its condition, the token shows whether this very write had succeeded.
 * A pending part is a multipart upload that is not completed; `listParts` does not return its token.
 */
export function s3Store(spec: S3StoreSpec, retry: Partial<RetryPolicy> = {}): Store {
  return new S3Store(new S3Access(spec, { ...defaultRetry, untilMs: untilMsOf(spec), ...retry }))
}

const untilMsOf =
  ({ retryMs = leasedMs, refusedMs = retryMs }: S3StoreSpec): RetryPolicy['untilMs'] =>
  (startedAtMs, isRefusal) =>
    startedAtMs + (isRefusal ? refusedMs : retryMs)

type Condition = { readonly IfNoneMatch?: '*'; readonly IfMatch?: string }

/** Limit on tries of an unpinned read of an object that is replaced during the read. */
const rereadsMax = 5

class S3Store extends S3Parts implements Store {
  readonly url: string
  readonly keyPrefix: string
  readonly #access: S3Access

  constructor(access: S3Access) {
    super(access)
    this.url = access.url
    this.keyPrefix = access.spec.prefix
    this.#access = access
  }

  now(): number {
    return this.#access.now()
  }

  async stat(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    throwIfAborted(signal)
    const found = await this.#access.head(checkKey(key), signal)
    return found && { key, sizeBytes: found.sizeBytes, etag: found.etag }
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    for await (const { Contents = [] } of this.#access.listPages(prefix, {}, signal))
      for (const { Key = '', Size = 0, ETag = '' } of Contents) {
        const key = Key.slice(this.keyPrefix.length)
        // Skips the prefix itself and folder markers of the console.
        if (key !== '' && !key.endsWith('/')) yield { key, sizeBytes: Size, etag: bareEtag(ETag) }
      }
  }

  listFolders(prefix: string, options: FolderListOptions = {}): AsyncGenerator<string> {
    return listS3Folders(this.#access, prefix, options)
  }

  async read(key: string, options: ReadOptions = {}): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      try {
        return await collect(this.stream(key, options), options)
      } catch (error) {
        const isReplaced = hasCode(error, 'INPUT_CHANGED')
        if (!isReplaced || options.etag !== undefined || options.range || tries === rereadsMax) throw error
      }
    }
  }

  stream(key: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const access = this.#access
    const { signal } = options
    return readBody({
      ...options,
      retry: access.retry,
      place: access.place('read', checkKey(key), signal),
      get: headers =>
        access.gates.read.run(
          async () => (await access.calls()).get({ ...access.at(key), ...headers }, signal),
          signal,
        ),
    })
  }

  inspect({ key, etag }: StoredObject): Promise<ContentMarks> {
    return this.#access.send('check', checkKey(key), async request => {
      const found = await this.#access.sendHead(key, request, { ChecksumMode: 'ENABLED', IfMatch: `"${etag}"` })
      return { checksum: checksumOf(found), etagOf: etagOf(found, etag) }
    })
  }

  create(key: string, bytes: Uint8Array): Promise<string | undefined> {
    return this.#put(key, bytes, { IfNoneMatch: '*' })
  }

  replace(key: string, bytes: Uint8Array, etag: string): Promise<string | undefined> {
    return this.#put(key, bytes, { IfMatch: `"${etag}"` })
  }

  async write(key: string, bytes: Uint8Array): Promise<string> {
    const etag = await this.#put(key, bytes, {})
    assert(etag !== undefined, 'an unconditional write has an etag')
    return etag
  }

  async remove(key: string): Promise<void> {
    await this.#access.send('remove', checkKey(key), ({ calls, at }) => calls.remove(at))
  }

  async #put(key: string, bytes: Uint8Array, condition: Condition): Promise<string | undefined> {
    const access = this.#access
    const token = randomUUID()
    const body = {
      Body: bytes,
      ContentLength: bytes.length,
      Metadata: { [tokenName]: token },
      ...access.encryption,
      ...condition,
    }
    let mayBeWritten = false
    return access.send('write', checkKey(key), async ({ calls, at }) => {
      try {
        return bareEtag((await calls.put({ ...at, ...body })).ETag ?? '')
      } catch (error) {
        if (isConditionFailed(condition, error)) return mayBeWritten ? this.#etagIfOurs(key, token) : undefined
        mayBeWritten ||= isUncertain(error)
        throw error
      }
    })
  }

  async #etagIfOurs(key: string, token: string): Promise<string | undefined> {
    const found = await this.#access.head(key)
    return found?.token === token ? found.etag : undefined
  }
}

/** Checksums, strongest first. An object has the one that its uploader chose, else CRC-64. */
const checksums = ['SHA512', 'SHA256', 'SHA1', 'CRC64NVME', 'CRC32C', 'CRC32'] as const

/** Returns a checksum of the whole content; a composite checksum depends on the pieces. */
function checksumOf(found: HeadObjectCommandOutput): string | undefined {
  if (found.ChecksumType !== 'FULL_OBJECT') return undefined
  const name = checksums.find(each => found[`Checksum${each}`] !== undefined)
  return name && `${name.toLowerCase()}:${found[`Checksum${name}`]}`
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html */
function etagOf({ ServerSideEncryption }: HeadObjectCommandOutput, etag: string): ContentMarks['etagOf'] {
  if (ServerSideEncryption?.startsWith('aws:kms')) return 'write'
  return etag.includes('-') ? 'pieces' : 'content'
}

/** Returns whether a conditional write failed its condition: 412, or 404 when the object to replace no longer exists. */
function isConditionFailed({ IfMatch, IfNoneMatch }: Condition, error: unknown): boolean {
  const status = statusOf(error)
  if (IfMatch === undefined && IfNoneMatch === undefined) return false
  return status === 412 || (status === 404 && IfMatch !== undefined && (error as Error).name !== 'NoSuchBucket')
}

async function collect(source: AsyncIterable<Uint8Array>, { range, into }: ReadOptions): Promise<Uint8Array> {
  if (range) return fill(source, (into ?? Buffer.allocUnsafeSlow)(range.end - range.start))
  return Buffer.concat(await Array.fromAsync(source))
}

async function fill(source: AsyncIterable<Uint8Array>, bytes: Uint8Array): Promise<Uint8Array> {
  let at = 0
  for await (const chunk of source) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  assert(at === bytes.length, 'a stream yields its whole range')
  return bytes
}
