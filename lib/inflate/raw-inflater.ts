/** Inflates many small texts one after another into the same buffer, without an allocation for each. */
import { constants, createInflateRaw, inflateRawSync } from 'node:zlib'

export interface RawInflater {
  /**
   * Returns the inflated bytes, at most `bytesMax`: a view that is valid until the next call.
   * @throws as `zlib.inflateRawSync`: ERR_BUFFER_TOO_LARGE, Z_BUF_ERROR when cut short, Z_DATA_ERROR
   */
  inflate(data: Uint8Array, bytesMax: number): Buffer
}

/** Larger texts are inflated by the public API: they are few, and the buffer stays small. */
const reusedBytesMax = 4 * 1024 * 1024

/**
 * Deliberately uses the private handle of node:zlib, because its public API allocates an output for each text: for members of 88 kB,
 * garbage collection costs a third of inflating. If the handle is not as expected, the public API is used.
 */
export function createRawInflater(): RawInflater {
  const engine = openHandle()
  if (!engine) return { inflate: inflateWithPublicApi }
  let output = Buffer.allocUnsafeSlow(256 * 1024)
  return {
    inflate(data, bytesMax) {
      if (bytesMax > reusedBytesMax) return inflateWithPublicApi(data, bytesMax)
      // One byte more, to detect a text that is longer than declared.
      if (output.length <= bytesMax) output = Buffer.allocUnsafeSlow(2 * bytesMax + 1)
      const left = engine.run(data, output.subarray(0, bytesMax + 1))
      // For anything unexpected the public API throws its own error.
      return left === undefined || left === 0
        ? inflateWithPublicApi(data, bytesMax)
        : output.subarray(0, bytesMax + 1 - left)
    },
  }
}

function inflateWithPublicApi(data: Uint8Array, bytesMax: number): Buffer {
  const chunkSize = Math.max(64, Math.min(bytesMax + 1, publicChunkBytes))
  return inflateRawSync(data, { chunkSize, maxOutputLength: Math.max(1, bytesMax) })
}

const publicChunkBytes = 512 * 1024

/** The private fields of the stream classes of node:zlib, unchanged since Node 8. */
interface ZlibHandle {
  readonly _handle?: {
    writeSync?(
      flush: number,
      data: Uint8Array,
      at: number,
      length: number,
      out: Uint8Array,
      outAt: number,
      outLength: number,
    ): void
    reset?(): void
    onerror?: (message: string, errno: number, code: string) => void
  }
  readonly _writeState?: Uint32Array
}

interface Engine {
  /** Returns the number of unused bytes of `output`; undefined when the data is damaged or cut short. */
  run(data: Uint8Array, output: Uint8Array): number | undefined
}

function openHandle(): Engine | undefined {
  const { _handle: handle, _writeState: state } = createInflateRaw() as unknown as ZlibHandle
  if (!handle?.writeSync || !handle.reset || !(state instanceof Uint32Array) || state.length < 2) return undefined
  let isDamaged = false
  handle.onerror = () => {
    isDamaged = true
  }
  const run = (data: Uint8Array, output: Uint8Array): number | undefined => {
    isDamaged = false
    handle.reset?.()
    handle.writeSync?.(constants.Z_FINISH, data, 0, data.length, output, 0, output.length)
    const [outLeft = 0, inLeft = 0] = state
    return isDamaged || inLeft > 0 ? undefined : outLeft
  }
  return worksAsExpected(run) ? { run } : undefined
}

/** `deflateRawSync('fanmill')`. */
const sample = Buffer.from('4b4bcccbcdccc90100', 'hex')

function worksAsExpected(run: Engine['run']): boolean {
  const output = Buffer.alloc(16)
  try {
    return (
      run(sample, output) === 9 &&
      output.toString('latin1', 0, 7) === 'fanmill' &&
      run(sample.subarray(0, 5), output) === undefined
    )
  } catch {
    return false
  }
}
