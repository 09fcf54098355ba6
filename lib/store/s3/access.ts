/** Sends requests to one bucket or prefix, and retries them. */
import assert from 'node:assert'
import type { ListObjectsV2CommandInput } from '@aws-sdk/client-s3'
import { throwIfAborted } from '../../errors/abort.ts'
import { TransientError } from '../../errors/errors.ts'
import { nothingIf } from '../../errors/expected.ts'
import { statusOf } from '../network-fault.ts'
import type { StoredObject } from '../store.ts'
import { formatStoreUrl, type S3Place } from '../store-url.ts'
import { bareEtag } from './body.ts'
import type { S3Calls, S3ClientOptions } from './client.ts'
import type { FaultPlace } from './fault.ts'
import { RequestGate } from './request-gate.ts'
import { leasedMs, type RetryPolicy, withRetries } from './retry.ts'

export interface S3StoreSpec extends S3Place, S3ClientOptions {
  readonly kind: 's3'
  /** KMS key that encrypts all written objects; default the bucket's encryption. */
  readonly kmsKeyId?: string
  /** Milliseconds for which a request is retried; default 15,000. @see RetryPolicy.untilMs */
  readonly retryMs?: number
  /** The same for a request that S3 refuses with SlowDown; default `retryMs`. */
  readonly refusedMs?: number
}

export interface S3Request {
  readonly calls: S3Calls
  /** Bucket and full key. */
  readonly at: { readonly Bucket: string; readonly Key: string }
  readonly tries: number
}

export interface HeadOptions {
  readonly ChecksumMode?: 'ENABLED'
  readonly IfMatch?: string
  readonly signal?: AbortSignal | undefined
}

/** Object metadata by which a writer recognises its own object. */
export const tokenName = 'fanmill-token'

export class S3Access {
  readonly spec: S3StoreSpec
  readonly url: string
  readonly retry: RetryPolicy
  /** S3 limits reads and writes separately, and a failed write may check its object while it occupies a slot of its gate. */
  readonly gates: RequestGates
  /** Headers of every object written. */
  readonly encryption: {
    readonly ServerSideEncryption?: 'aws:kms'
    readonly SSEKMSKeyId?: string
    readonly BucketKeyEnabled?: true
  }
  #calls: S3Calls | undefined

  constructor(spec: S3StoreSpec, retry: RetryPolicy) {
    this.spec = spec
    this.url = formatStoreUrl(spec)
    this.gates = gatesOf(spec)
    this.retry = { ...retry, untilMs: this.#untilMs(retry.untilMs) }
    // With a bucket key, one request to KMS serves many objects, even in buckets whose default has no bucket key.
    this.encryption = spec.kmsKeyId
      ? { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: spec.kmsKeyId, BucketKeyEnabled: true }
      : {}
  }

  /** An outage comes after an answer: what never answered may have a wrong address, and is not waited for so long. */
  #untilMs(untilMs: RetryPolicy['untilMs']): RetryPolicy['untilMs'] {
    const { read, write } = this.gates
    return (startedAtMs, isRefusal) => {
      const wholeMs = untilMs(startedAtMs, isRefusal)
      return read.isReached || write.isReached ? wholeMs : Math.min(wholeMs, startedAtMs + leasedMs)
    }
  }

  /** Describes an operation on a key, for error messages. */
  place(verb: string, key: string, signal?: AbortSignal): FaultPlace {
    return { verb, key, url: formatStoreUrl({ ...this.spec, prefix: this.spec.prefix + key }), signal }
  }

  at(key: string): S3Request['at'] {
    return { Bucket: this.spec.bucket, Key: this.spec.prefix + key }
  }

  async calls(): Promise<S3Calls> {
    this.#calls = await clientOf(this.spec)
    return this.#calls
  }

  now(): number {
    return this.#calls?.now() ?? Date.now()
  }

  /** Sends one request, and retries it after transient faults. @throws as `s3Fault` */
  send<T>(verb: string, key: string, act: (request: S3Request) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return withRetries(this.retry, this.place(verb, key, signal), {
      gate: readVerbs.has(verb) ? this.gates.read : this.gates.write,
      act: async tries => act({ calls: await this.calls(), at: this.at(key), tries }),
    })
  }

  /**
   * Sends a HEAD request. Error responses to HEAD have no body and so no error code: after a 400 or 403 the first byte is requested to
   * learn the reason. The SDK has corrected its clock by then, so a request that failed only for clock skew succeeds and is retried.
   */
  async sendHead(
    key: string,
    request: S3Request,
    { signal, ...headers }: HeadOptions = {},
  ): ReturnType<S3Calls['head']> {
    const { calls, at } = request
    try {
      return await calls.head({ ...at, ...headers }, signal)
    } catch (error) {
      const status = statusOf(error)
      if (status !== 400 && status !== 403) throw error
      await readFirstByte(request, signal)
      const { url } = this.place('check', key)
      const message = `S3 refused HEAD ${url} with ${status}, although the object can be read`
      throw new TransientError('STORE_FAILED', message, { key, status }, { cause: error })
    }
  }

  /** Returns an object and its writer's token; undefined when there is no such object. */
  async head(
    key: string,
    signal?: AbortSignal,
  ): Promise<(StoredObject & { readonly token: string | undefined }) | undefined> {
    const isMissing = (error: unknown): boolean => statusOf(error) === 404
    const sendHead = (request: S3Request) => this.sendHead(key, request, { signal }).catch(nothingIf(isMissing))
    const found = await this.send('check', key, sendHead, signal)
    if (!found) return undefined
    const { ContentLength = 0, ETag = '', Metadata } = found
    return { key, sizeBytes: ContentLength, etag: bareEtag(ETag), token: Metadata?.[tokenName] }
  }

  /** Lists a key prefix page by page: one request per thousand keys. */
  async *listPages(prefix: string, options: Pick<ListObjectsV2CommandInput, 'Delimiter'>, signal?: AbortSignal) {
    let token: string | undefined
    do {
      const page = await this.listPage(prefix, { ...options, ContinuationToken: token }, signal)
      yield page
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  listPage(
    prefix: string,
    options: Pick<ListObjectsV2CommandInput, 'Delimiter' | 'StartAfter' | 'ContinuationToken'>,
    signal?: AbortSignal,
  ) {
    throwIfAborted(signal)
    const input = { Bucket: this.spec.bucket, Prefix: this.spec.prefix + prefix, ...options }
    return this.send('list', prefix, ({ calls }) => calls.list(input, signal), signal)
  }
}

export function checkKey(key: string): string {
  assert(key !== '' && !key.startsWith('/'), `expected a key below the prefix, got ${JSON.stringify(key)}`)
  return key
}

const readVerbs: ReadonlySet<string> = new Set(['read', 'check', 'list'])

export interface RequestGates {
  readonly read: RequestGate
  readonly write: RequestGate
}

/** Gates of this thread by bucket. */
const gates = new Map<string, RequestGates>()

function gatesOf({ bucket, endpoint, region }: S3StoreSpec): RequestGates {
  const name = JSON.stringify([bucket, endpoint, region])
  const known = gates.get(name) ?? { read: new RequestGate(), write: new RequestGate() }
  gates.set(name, known)
  return known
}

async function readFirstByte({ calls, at }: S3Request, signal?: AbortSignal): Promise<void> {
  try {
    const { Body } = await calls.get({ ...at, Range: 'bytes=0-0' }, signal)
    const body = Body as { destroy?(): void } | undefined
    body?.destroy?.()
  } catch (error) {
    // The object exists and is empty.
    if (statusOf(error) !== 416) throw error
  }
}

/** Clients by their options: all stores of a thread share connections and credentials. */
const clients = new Map<string, Promise<S3Calls>>()

/** Loads the SDK with the first request, not with the first import. */
function clientOf({ region, profile, endpoint = endpointOf(process.env) }: S3ClientOptions): Promise<S3Calls> {
  const options = { region, profile, endpoint }
  const name = JSON.stringify(options)
  const client = clients.get(name) ?? import('./client.ts').then(({ openS3Client }) => openS3Client(options))
  clients.set(name, client)
  return client
}

function endpointOf({ AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL }: NodeJS.ProcessEnv): string | undefined {
  return AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined
}
