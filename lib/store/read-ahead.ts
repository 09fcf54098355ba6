/** Reads ranges before they are requested, so that the next slices arrive while a thread inflates the current one. */
import type { ByteRange } from './byte-range.ts'
import { ReusedBuffer } from './reused-buffer.ts'
import type { Reader, ReadOptions } from './store.ts'

/** Limit on reads of small files in flight. */
const smallReadsMax = 16
const smallStepBytes = 16 * 1024

export interface WantedRange {
  readonly key: string
  readonly etag?: string
  readonly range: ByteRange
  /** Marks a small file, which costs one request and little memory; default false. */
  readonly isSmall?: boolean
}

/**
 * Returns a view of a store that starts to read the wanted ranges in their order, at most `readsMax` at once (16 for small files).
 * The bytes of a wanted range are valid until the next wanted range is requested. Other reads go to the store directly.
 */
export function readAhead(
  store: Reader,
  wanted: readonly WantedRange[],
  { readsMax, signal }: { readonly readsMax: number; readonly signal?: AbortSignal },
): Reader {
  const started = new Map<string, StartedRead>()
  const free: ReusedBuffer[] = []
  /** Buffer of the range that was returned last. */
  let returned: ReusedBuffer | undefined
  let next = 0
  const startReads = (): void => {
    for (; next < wanted.length; next++) {
      const { key, etag, range, isSmall = false } = wanted[next] as WantedRange
      if (started.size >= (isSmall ? Math.max(readsMax, smallReadsMax) : readsMax)) return
      const buffer = isSmall ? new ReusedBuffer(smallStepBytes) : (free.pop() ?? new ReusedBuffer())
      const reading = store.read(key, { range, etag, into: buffer.take, signal })
      // The error is thrown when the range is requested; until then it must not count as unhandled.
      reading.catch(() => undefined)
      started.set(nameOf(key, range), { reading, buffer, isSmall })
    }
  }
  startReads()
  return {
    async read(key: string, options: ReadOptions = {}) {
      const name = options.range && nameOf(key, options.range)
      const found = name === undefined ? undefined : started.get(name)
      if (name === undefined || !found) return store.read(key, options)
      try {
        return await found.reading
      } finally {
        started.delete(name)
        if (returned) free.push(returned)
        returned = found.isSmall ? undefined : found.buffer
        startReads()
      }
    },
    url: store.url,
    ...(store.readNow && { readNow: (key, options) => store.readNow?.(key, options) as Uint8Array }),
    ...(store.fileOf && { fileOf: (key, etag) => store.fileOf?.(key, etag) as Promise<string | undefined> }),
    ...(store.files && { files: store.files }),
    stream: (key, options) => store.stream(key, options),
  }
}

interface StartedRead {
  readonly reading: Promise<Uint8Array>
  readonly buffer: ReusedBuffer
  readonly isSmall: boolean
}

const nameOf = (key: string, { start, end }: ByteRange): string => `${start}-${end} ${key}`
