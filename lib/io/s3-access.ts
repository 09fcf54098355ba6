/** One place in S3: its address, its client, and requests that are tried again. */

import type { StoredObject } from '../core/store.ts'
import type { S3Place } from '../core/store-url.ts'
import { formatStoreUrl } from '../core/store-url.ts'
import { bareEtag } from './s3-body.ts'
import type { S3Calls, S3ClientOptions } from './s3-client.ts'
import { type FaultPlace, statusOf } from './s3-fault.ts'
import { type RetryPolicy, withRetries } from './s3-retry.ts'

export interface S3StoreSpec extends S3Place, S3ClientOptions {
  readonly kind: 's3'
  /** Key with which everything written is encrypted; default as the bucket says. */
  readonly kmsKeyId?: string
}

export interface S3Request {
  readonly calls: S3Calls
  /** Bucket and full key. */
  readonly at: { readonly Bucket: string; readonly Key: string }
  /** How often it was tried before. */
  readonly tries: number
}

/** The object metadata by which a writer knows its own object again. */
export const tokenName = 'fanmill-token'

export class S3Access {
  readonly spec: S3StoreSpec
  readonly url: string
  readonly retry: RetryPolicy
  /** Headers of every object written. */
  readonly encryption: { readonly ServerSideEncryption?: 'aws:kms'; readonly SSEKMSKeyId?: string }

  constructor(spec: S3StoreSpec, retry: RetryPolicy) {
    this.spec = spec
    this.url = formatStoreUrl(spec)
    this.retry = retry
    this.encryption = spec.kmsKeyId ? { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: spec.kmsKeyId } : {}
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
    return withRetries(this.retry, this.place(verb, key, signal), async tries =>
      act({ calls: await this.calls(), at: this.at(key), tries }),
    )
  }

  /** An object and the token that it was written with. */
  async head(
    key: string,
    signal?: AbortSignal,
  ): Promise<(StoredObject & { readonly token: string | undefined }) | undefined> {
    return this.send(
      'look at',
      key,
      async ({ calls, at }) => {
        try {
          const { ContentLength = 0, ETag = '', Metadata } = await calls.head(at, signal)
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

/** Clients by what they are made of: one keeps its connections and credentials for all stores of a thread. */
const clients = new Map<string, Promise<S3Calls>>()

/** The SDK is loaded by the first request, not by the first import. */
function clientOf({ region, profile, endpoint = endpointOf(process.env) }: S3ClientOptions): Promise<S3Calls> {
  const options = { region, profile, endpoint }
  const name = JSON.stringify(options)
  const client =
    clients.get(name) ?? import('./s3-client.ts').then(({ openS3Client }) => openS3Client(options as S3ClientOptions))
  clients.set(name, client)
  return client
}

function endpointOf({ AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL }: NodeJS.ProcessEnv): string | undefined {
  return AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined
}
