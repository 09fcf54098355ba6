/** Reads ranges before they are asked for, so that a thread inflates one slice while the next ones come. */
import type { ByteRange } from '../core/byte-range.ts'
import { ReusedBuffer } from '../core/reused-buffer.ts'
import type { Reader, ReadOptions } from '../core/store.ts'

export interface WantedRange {
  readonly key: string
  readonly etag: string
  readonly range: ByteRange
}

/**
 * A view of a store whose `read` answers wanted ranges, in their order, from reads that were begun before: at most `readsMax`
 * at once, each of which stays in memory until it is asked for, and then until the next wanted one is. Anything else is read as ever.
 */
export function readAhead(
  store: Reader,
  wanted: readonly WantedRange[],
  { readsMax, signal }: { readonly readsMax: number; readonly signal?: AbortSignal },
): Reader {
  const begun = new Map<string, { readonly reading: Promise<Uint8Array>; readonly buffer: ReusedBuffer }>()
  const free: ReusedBuffer[] = []
  let handed: ReusedBuffer | undefined
  let next = 0
  const begin = (): void => {
    for (; begun.size < readsMax && next < wanted.length; next++) {
      const { key, etag, range } = wanted[next] as WantedRange
      const buffer = free.pop() ?? new ReusedBuffer()
      const reading = store.read(key, { range, etag, into: buffer.take, ...(signal && { signal }) })
      // Looked at when it is asked for; until then a failure is nobody's.
      reading.catch(() => undefined)
      begun.set(nameOf(key, range), { reading, buffer })
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
        handed = found.buffer
        begin()
      }
    },
    url: store.url,
    stream: (key, options) => store.stream(key, options),
  }
}

const nameOf = (key: string, { start, end }: ByteRange): string => `${start}-${end} ${key}`
