/** Reads ranges before they are asked for, so that a thread inflates one slice while the next ones come. */
import type { ByteRange } from './byte-range.ts'
import { ReusedBuffer } from './reused-buffer.ts'
import type { Reader, ReadOptions } from './store.ts'

/** Small files in flight at once. */
const smallReadsMax = 16
const smallStepBytes = 16 * 1024

export interface WantedRange {
  readonly key: string
  readonly etag: string
  readonly range: ByteRange
  /** Of a small file: it takes the time of its request, and little memory. Default false. */
  readonly isSmall?: boolean
}

/**
 * A view of a store whose `read` answers wanted ranges, in their order, from reads that were begun before: at most `readsMax`
 * at once, or 16 where they are small, each of which stays in memory until it is asked for, and then until the next wanted one is. Anything else is read as ever.
 */
export function readAhead(
  store: Reader,
  wanted: readonly WantedRange[],
  { readsMax, signal }: { readonly readsMax: number; readonly signal?: AbortSignal },
): Reader {
  const begun = new Map<string, Begun>()
  const free: ReusedBuffer[] = []
  let handed: ReusedBuffer | undefined
  let next = 0
  const begin = (): void => {
    for (; next < wanted.length; next++) {
      const { key, etag, range, isSmall = false } = wanted[next] as WantedRange
      if (begun.size >= (isSmall ? Math.max(readsMax, smallReadsMax) : readsMax)) return
      const buffer = isSmall ? new ReusedBuffer(smallStepBytes) : (free.pop() ?? new ReusedBuffer())
      const reading = store.read(key, { range, etag, into: buffer.take, ...(signal && { signal }) })
      // Looked at when it is asked for; until then a failure is nobody's.
      reading.catch(() => undefined)
      begun.set(nameOf(key, range), { reading, buffer, isSmall })
    }
  }
  begin()
  return {
    async read(key: string, options: ReadOptions = {}) {
      const name = options.range && nameOf(key, options.range)
      const found = name === undefined ? undefined : begun.get(name)
      if (name === undefined || !found) return store.read(key, options)
      try {
        return await found.reading
      } finally {
        begun.delete(name)
        if (handed) free.push(handed)
        handed = found.isSmall ? undefined : found.buffer
        begin()
      }
    },
    url: store.url,
    ...(store.readNow && { readNow: (key, options) => store.readNow?.(key, options) as Uint8Array }),
    stream: (key, options) => store.stream(key, options),
  }
}

interface Begun {
  readonly reading: Promise<Uint8Array>
  readonly buffer: ReusedBuffer
  readonly isSmall: boolean
}

const nameOf = (key: string, { start, end }: ByteRange): string => `${start}-${end} ${key}`
