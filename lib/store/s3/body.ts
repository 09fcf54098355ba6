/** Reads the bytes of an object: a body that breaks off is resumed where it stopped. */

import { throwIfAborted } from '../../errors/abort.ts'
import { PermanentError, TransientError } from '../../errors/errors.ts'
import { inputChanged } from '../input-changed.ts'
import type { ReadOptions } from '../store.ts'
import type { FaultPlace } from './fault.ts'
import { Retries, type RetryPolicy } from './retry.ts'

export interface GetHeaders {
  readonly Range?: string
  readonly IfMatch?: string
}

/** The fields of the answer that are read. */
export interface GetAnswer {
  readonly Body?: unknown
  readonly ETag?: string | undefined
  readonly ContentLength?: number | undefined
  readonly ContentRange?: string | undefined
}

export interface BodyOptions extends ReadOptions {
  readonly retry: RetryPolicy
  readonly place: FaultPlace
  get(headers: GetHeaders): Promise<GetAnswer>
}

/**
 * Yields the bytes of an object, as `Store.stream`. Every GET after the first requires the etag that the first one returned.
 * Memory: the buffers of the socket. Requests: one, and one for each break.
 * @throws INPUT_CHANGED, DATASET_MISSING, STORE_FAILED, ABORTED
 */
export async function* readBody(options: BodyOptions): AsyncGenerator<Uint8Array> {
  const { range, signal, place, get } = options
  const retries = new Retries(options.retry, place)
  let { etag } = options
  let at = range?.start ?? 0
  let end = range?.end
  while (end === undefined || at < end) {
    throwIfAborted(signal)
    let body: AsyncIterable<Uint8Array> & { destroy?(): void } = empty
    try {
      const answer = await get({ IfMatch: etag === undefined ? undefined : `"${etag}"`, Range: rangeHeader(at, end) })
      const sizeBytes = sizeOf(answer, at, place)
      end ??= sizeBytes
      if (end > sizeBytes) throw inputChanged(place.key, `at least ${end} bytes`, `${sizeBytes}`, place.url)
      etag ??= answer.ETag && bareEtag(answer.ETag)
      body = (answer.Body as typeof body | undefined) ?? empty
      for await (const chunk of body) {
        at += chunk.length
        if (at > end) {
          const message = `${place.url}: expected ${end - at + chunk.length} bytes more, got ${chunk.length}`
          throw new PermanentError('STORE_FAILED', message, { key: place.key })
        }
        retries.reset()
        yield chunk
        throwIfAborted(signal)
      }
      if (at < end) {
        const message = `cannot ${place.verb} ${place.url} now: its body ended at byte ${at} of ${end}`
        throw new TransientError('STORE_FAILED', message, { key: place.key })
      }
    } catch (error) {
      await retries.pauseOrThrow(error)
    } finally {
      // Also when the reader stops early: an unread body would keep its connection.
      body.destroy?.()
    }
  }
}

/** Returns an etag without its quotes. */
export function bareEtag(etag: string): string {
  return etag.replaceAll('"', '')
}

const empty: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} }

/** Returns the Range header, the only place where an end is inclusive. No header requests a whole object, because an empty one has no range. */
function rangeHeader(start: number, end: number | undefined): string | undefined {
  if (end !== undefined) return `bytes=${start}-${end - 1}`
  return start === 0 ? undefined : `bytes=${start}-`
}

/** Returns the size of the whole object: for a range it is the number after the `/` of Content-Range. */
function sizeOf({ ContentRange, ContentLength }: GetAnswer, start: number, { url, key }: FaultPlace): number {
  const [, first, sizeBytes] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? []
  if (Number(first ?? 0) !== start) {
    const message = `${url}: expected bytes from ${start}, got ${ContentRange ?? 'the whole object'}`
    throw new PermanentError('STORE_FAILED', message, { key })
  }
  const found = sizeBytes ?? ContentLength
  if (found === undefined)
    throw new TransientError('STORE_FAILED', `cannot read ${url} now: its answer has no length`, { key })
  return Number(found)
}
