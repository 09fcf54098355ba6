/** A bucket, or a prefix in it, as an object store. */
import assert from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { throwIfAborted } from '../../errors/abort.ts'
import { FanmillError } from '../../errors/errors.ts'
import type {
  ContentMarks,
  FolderListOptions,
  PendingPart,
  ReadOptions,
  StagingRun,
  Store,
  StoredObject,
} from '../store.ts'
import { S3Access, type S3StoreSpec, tokenName } from './access.ts'
import { bareEtag, readBody } from './body.ts'
import { isUncertain, statusOf } from './fault.ts'
import { listS3Folders } from './folders.ts'
import { S3Parts } from './parts.ts'
import { defaultRetry, type RetryPolicy } from './retry.ts'

/**
 * The objects below a prefix of a bucket. Nothing is sent or loaded before the first request.
 *
 * Every request is tried again where its fault may pass, within `retry`. A write carries a token as metadata: when its answer was lost,
 * and the next try finds the condition broken, the token tells whether it was this write that broke it.
 * A pending part is a multipart upload left open; `listParts` does not know its token.
 */
export function s3Store(
  spec: S3StoreSpec,
  { retry = defaultRetry, refusedUntilMs = untilOf(spec) }: S3StoreOptions = {},
): Store {
  return new S3Store(new S3Access(spec, { ...retry, refusedUntilMs }))
}

export interface S3StoreOptions extends Pick<RetryPolicy, 'refusedUntilMs'> {
  readonly retry?: RetryPolicy
}

function untilOf({ refusedMs }: S3StoreSpec): RetryPolicy['refusedUntilMs'] {
  return refusedMs === undefined ? undefined : startedAtMs => startedAtMs + refusedMs
}

type Condition = { readonly IfNoneMatch?: '*'; readonly IfMatch?: string }

/** Tries of a whole read that is pinned to nothing, when the object is replaced under it. */
const rereadsMax = 5

class S3Store implements Store {
  readonly url: string
  readonly keyPrefix: string
  readonly #access: S3Access
  readonly #parts: S3Parts

  constructor(access: S3Access) {
    this.url = access.url
    this.keyPrefix = access.spec.prefix
    this.#access = access
    this.#parts = new S3Parts(access)
  }

  async stat(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    throwIfAborted(signal)
    const found = await this.#access.head(keyed(key), signal)
    return found && { key, sizeBytes: found.sizeBytes, etag: found.etag }
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<StoredObject> {
    const { spec } = this.#access
    let token: string | undefined
    do {
      throwIfAborted(signal)
      const input = { Bucket: spec.bucket, Prefix: spec.prefix + prefix, ...(token && { ContinuationToken: token }) }
      const page = await this.#access.send('list', prefix, ({ calls }) => calls.list(input, signal), signal)
      for (const { Key = '', Size = 0, ETag = '' } of page.Contents ?? []) {
        const key = Key.slice(spec.prefix.length)
        // The prefix itself, or a folder that a console made.
        if (key !== '' && !key.endsWith('/')) yield { key, sizeBytes: Size, etag: bareEtag(ETag) }
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  listFolders(prefix: string, options: FolderListOptions = {}): AsyncGenerator<string> {
    return listS3Folders(this.#access, prefix, options)
  }

  async read(key: string, options: ReadOptions = {}): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      try {
        return await collect(this.stream(key, options), options)
      } catch (error) {
        const isReplaced = error instanceof FanmillError && error.code === 'INPUT_CHANGED'
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
      place: access.place('read', keyed(key), signal),
      get: headers =>
        access.gates.read.run(
          async () => (await access.calls()).get({ ...access.at(key), ...headers }, signal),
          signal,
        ),
    })
  }

  inspect({ key, etag }: StoredObject): Promise<ContentMarks> {
    return this.#access.send('look at', keyed(key), async request => {
      const found = await this.#access.look(key, request, { ChecksumMode: 'ENABLED', IfMatch: `"${etag}"` })
      const checksum = checksumOf(found)
      return { ...(checksum !== undefined && { checksum }), etagOf: etagOf(found, etag) }
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
    await this.#access.send('remove', keyed(key), ({ calls, at }) => calls.remove(at))
  }

  stagePart(key: string, file: string, { token }: StagingRun): Promise<PendingPart> {
    return this.#parts.stage(keyed(key), file, token)
  }

  hasPart(part: PendingPart): Promise<boolean> {
    return this.#parts.has(part)
  }

  completePart(part: PendingPart): Promise<boolean> {
    return this.#parts.complete(part)
  }

  abortPart(part: PendingPart): Promise<void> {
    return this.#parts.abort(part)
  }

  listParts(prefix: string, signal?: AbortSignal): AsyncGenerator<PendingPart & { stagedAtMs: number }> {
    return this.#parts.list(prefix, signal)
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
    let mayBeThere = false
    return access.send('write', keyed(key), async ({ calls, at }) => {
      try {
        return bareEtag((await calls.put({ ...at, ...body })).ETag ?? '')
      } catch (error) {
        if (isBroken(condition, error)) return mayBeThere ? this.#etagIfOurs(key, token) : undefined
        mayBeThere ||= isUncertain(error)
        throw error
      }
    })
  }

  async #etagIfOurs(key: string, token: string): Promise<string | undefined> {
    const found = await this.#access.head(key)
    return found?.token === token ? found.etag : undefined
  }
}

/** The strongest first; an object has what its uploader chose, else CRC-64. */
const checksums = ['SHA512', 'SHA256', 'SHA1', 'CRC64NVME', 'CRC32C', 'CRC32'] as const

/** A composite one is of the pieces, not of the content. */
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

/** 412, or 404 where the object to be replaced is gone. */
function isBroken({ IfMatch, IfNoneMatch }: Condition, error: unknown): boolean {
  const status = statusOf(error)
  if (IfMatch === undefined && IfNoneMatch === undefined) return false
  return status === 412 || (status === 404 && IfMatch !== undefined && (error as Error).name !== 'NoSuchBucket')
}

async function collect(source: AsyncIterable<Uint8Array>, { range, into }: ReadOptions): Promise<Uint8Array> {
  if (range) return fill(source, (into ?? Buffer.allocUnsafeSlow)(range.end - range.start))
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** One buffer of the range's size, filled as bytes come. */
async function fill(source: AsyncIterable<Uint8Array>, bytes: Uint8Array): Promise<Uint8Array> {
  let at = 0
  for await (const chunk of source) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  assert(at === bytes.length, 'a stream that ends has given its range')
  return bytes
}

function keyed(key: string): string {
  assert(key !== '' && !key.startsWith('/'), `expected a key below the prefix, got ${JSON.stringify(key)}`)
  return key
}
