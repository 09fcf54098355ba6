/** One place in S3: its address, its client, and requests that are tried again. */
import { TransientError } from '../../errors/errors.ts'
import type { StoredObject } from '../store.ts'
import type { S3Place } from '../store-url.ts'
import { formatStoreUrl } from '../store-url.ts'
import { bareEtag } from './body.ts'
import type { S3Calls, S3ClientOptions } from './client.ts'
import { type FaultPlace, statusOf } from './fault.ts'
import { RequestGate } from './request-gate.ts'
import { type RetryPolicy, withRetries } from './retry.ts'

export interface S3StoreSpec extends S3Place, S3ClientOptions {
  readonly kind: 's3'
  /** Key with which everything written is encrypted; default as the bucket says. */
  readonly kmsKeyId?: string
  /** How long a request is tried again that S3 refuses for its rate; default as any other fault. @see RetryPolicy.refusedUntilMs */
  readonly refusedMs?: number
}

export interface S3Request {
  readonly calls: S3Calls
  /** Bucket and full key. */
  readonly at: { readonly Bucket: string; readonly Key: string }
  /** How often it was tried before. */
  readonly tries: number
}

export interface LookOptions {
  readonly ChecksumMode?: 'ENABLED'
  readonly IfMatch?: string
  readonly signal?: AbortSignal | undefined
}

/** The object metadata by which a writer knows its own object again. */
export const tokenName = 'fanmill-token'

export class S3Access {
  readonly spec: S3StoreSpec
  readonly url: string
  readonly retry: RetryPolicy
  /** S3 counts reads and writes apart; a write that failed may look at its object while it has its room. */
  readonly gates: RequestGates
  /** Headers of every object written. */
  readonly encryption: {
    readonly ServerSideEncryption?: 'aws:kms'
    readonly SSEKMSKeyId?: string
    readonly BucketKeyEnabled?: true
  }

  constructor(spec: S3StoreSpec, retry: RetryPolicy) {
    this.spec = spec
    this.url = formatStoreUrl(spec)
    this.retry = retry
    this.gates = gatesOf(spec)
    // A bucket key makes one request to KMS serve many objects, also in buckets whose default has none.
    this.encryption = spec.kmsKeyId
      ? { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: spec.kmsKeyId, BucketKeyEnabled: true }
      : {}
  }

  /** Where faults are said to be. */
  place(verb: string, key: string, signal?: AbortSignal): FaultPlace {
    return { verb, key, url: formatStoreUrl({ ...this.spec, prefix: this.spec.prefix + key }), signal }
  }

  at(key: string): S3Request['at'] {
    return { Bucket: this.spec.bucket, Key: this.spec.prefix + key }
  }

  calls(): Promise<S3Calls> {
    return clientOf(this.spec)
  }

  /** Does one request, again where that may help. @throws as `s3Fault` */
  send<T>(verb: string, key: string, act: (request: S3Request) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return withRetries(this.retry, this.place(verb, key, signal), {
      gate: readVerbs.has(verb) ? this.gates.read : this.gates.write,
      act: async tries => act({ calls: await this.calls(), at: this.at(key), tries }),
    })
  }

  /**
   * A HEAD. Its refusal has no body, and so no name: then the first byte is asked for, whose refusal has one. By that time the SDK
   * has set its clock by the answer, so that one is given where only the clock was wrong.
   */
  async look(key: string, request: S3Request, { signal, ...headers }: LookOptions = {}): ReturnType<S3Calls['head']> {
    const { calls, at } = request
    try {
      return await calls.head({ ...at, ...headers }, signal)
    } catch (error) {
      const status = statusOf(error)
      if (status !== 400 && status !== 403) throw error
      await askFirstByte(request, signal)
      const { url } = this.place('look at', key)
      const message = `cannot look at ${url} now: it was refused with ${status}, but its first byte is given`
      throw new TransientError('STORE_FAILED', message, { key, status }, { cause: error })
    }
  }

  /** An object and the token that it was written with. */
  async head(
    key: string,
    signal?: AbortSignal,
  ): Promise<(StoredObject & { readonly token: string | undefined }) | undefined> {
    return this.send(
      'look at',
      key,
      async request => {
        try {
          const { ContentLength = 0, ETag = '', Metadata } = await this.look(key, request, { signal })
          return { key, sizeBytes: ContentLength, etag: bareEtag(ETag), token: Metadata?.[tokenName] }
        } catch (error) {
          if (statusOf(error) === 404) return undefined
          throw error
        }
      },
      signal,
    )
  }
}

const readVerbs: ReadonlySet<string> = new Set(['read', 'look at', 'list'])

export interface RequestGates {
  readonly read: RequestGate
  readonly write: RequestGate
}

/** Of this thread, by bucket. */
const gates = new Map<string, RequestGates>()

function gatesOf({ bucket, endpoint, region }: S3StoreSpec): RequestGates {
  const name = JSON.stringify([bucket, endpoint, region])
  const known = gates.get(name) ?? { read: new RequestGate(), write: new RequestGate() }
  gates.set(name, known)
  return known
}

async function askFirstByte({ calls, at }: S3Request, signal?: AbortSignal): Promise<void> {
  try {
    const { Body } = await calls.get({ ...at, Range: 'bytes=0-0' }, signal)
    const body = Body as { destroy?(): void } | undefined
    body?.destroy?.()
  } catch (error) {
    // It is there, and empty.
    if (statusOf(error) !== 416) throw error
  }
}

/** Clients by what they are made of: one keeps its connections and credentials for all stores of a thread. */
const clients = new Map<string, Promise<S3Calls>>()

/** The SDK is loaded by the first request, not by the first import. */
function clientOf({ region, profile, endpoint = endpointOf(process.env) }: S3ClientOptions): Promise<S3Calls> {
  const options = { region, profile, endpoint }
  const name = JSON.stringify(options)
  const client =
    clients.get(name) ?? import('./client.ts').then(({ openS3Client }) => openS3Client(options as S3ClientOptions))
  clients.set(name, client)
  return client
}

function endpointOf({ AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL }: NodeJS.ProcessEnv): string | undefined {
  return AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined
}
