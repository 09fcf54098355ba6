/** The bytes of an object by as few GETs as the network lets it be: a body that breaks off is resumed where it stopped. */

import { throwIfAborted } from '../../errors/abort.ts'
import { PermanentError, TransientError } from '../../errors/errors.ts'
import type { ByteRange } from '../byte-range.ts'
import type { ReadOptions } from '../store.ts'
import type { FaultPlace } from './fault.ts'
import { Retries, type RetryPolicy } from './retry.ts'

/** The headers of a GET, as S3 takes them. */
export interface GetHeaders {
  readonly Range?: string
  readonly IfMatch?: string
}

/** What is used of the answer. */
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
 * As `Store.stream`. Every GET after the first names the etag that the first one answered.
 * Memory: what the socket buffers. Requests: one, and one for each break.
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
      const answer = await get({ ...(etag === undefined ? {} : { IfMatch: `"${etag}"` }), ...rangeHeader(at, end) })
      const sizeBytes = sizeOf(answer, at, place)
      end ??= sizeBytes
      if (end > sizeBytes) throw shorter(place, end, sizeBytes)
      etag ??= answer.ETag && bareEtag(answer.ETag)
      body = (answer.Body as typeof body | undefined) ?? empty
      for await (const chunk of body) {
        at += chunk.length
        if (at > end)
          throw new PermanentError(
            'STORE_FAILED',
            `${place.url}: expected ${end - at + chunk.length} bytes more, got ${chunk.length}`,
            { key: place.key },
          )
        retries.renew()
        yield chunk
        throwIfAborted(signal)
      }
      if (at < end)
        throw new TransientError(
          'STORE_FAILED',
          `cannot ${place.verb} ${place.url} now: its body ended at byte ${at} of ${end}`,
          { key: place.key },
        )
    } catch (error) {
      await retries.again(error)
    } finally {
      // Also when the reader has enough: what is left of the body would hold its connection.
      body.destroy?.()
    }
  }
}

/** An etag without the quotes that HTTP puts around it. */
export function bareEtag(etag: string): string {
  return etag.replaceAll('"', '')
}

const empty: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} }

/** HTTP's end is inclusive, here alone. Without a range nothing is asked, because an empty object has none. */
function rangeHeader(start: number, end: number | undefined): Pick<GetHeaders, 'Range'> {
  if (end !== undefined) return { Range: `bytes=${start}-${end - 1}` }
  return start === 0 ? {} : { Range: `bytes=${start}-` }
}

/** Size of the whole object: after the `/` of Content-Range where a range was asked for. */
function sizeOf({ ContentRange, ContentLength }: GetAnswer, start: number, { url, key }: FaultPlace): number {
  const [, first, sizeBytes] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? []
  if (Number(first ?? 0) !== start)
    throw new PermanentError(
      'STORE_FAILED',
      `${url}: expected bytes from ${start}, got ${ContentRange ?? 'the whole object'}`,
      { key },
    )
  const found = sizeBytes ?? ContentLength
  if (found === undefined)
    throw new TransientError('STORE_FAILED', `cannot read ${url} now: its answer has no length`, { key })
  return Number(found)
}

function shorter(place: FaultPlace, expected: ByteRange['end'], got: number): PermanentError {
  const message = `${place.url}: expected at least ${expected} bytes, got ${got}; it changed while the run read it: run again`
  return new PermanentError('INPUT_CHANGED', message, { key: place.key, expected, got })
}
