/** Reads files and members, and inflates those whose name ends as that of a compression. */
import { PermanentError } from '../errors/errors.ts'
import type { InputObject } from '../model/plan-data.ts'
import type { Reader } from '../store/store.ts'
import { type Compression, compressionOf } from './compression.ts'
import { skipPadding } from './stream.ts'

/**
 * Yields the bytes of a file: `.gz`, `.zst`, `.bz2` and `.xz` (any number of streams) inflated, other files as stored.
 * @throws INPUT_INVALID when the compressed data is damaged or cut short; as the store
 */
export function inflateFile(
  store: Reader,
  { key, etag }: InputObject,
  { signal }: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const source = store.stream(key, { etag, signal })
  return inflateNamed(source, key, { where: key, detail: { key }, signal })
}

/** Limit on the inflated size of a file that is held in memory as a whole. */
const smallInflatedBytes = 8 * 1024 * 1024

/**
 * Returns the bytes of a small file, without a stream, valid until the next call. Returns undefined when they are too many or cannot be inflated:
 * `inflateFile` then reads them or throws.
 */
export function inflateSmall(bytes: Uint8Array, name: string): Uint8Array | undefined {
  const compression = compressionOf(name)
  if (!compression) return bytes
  if (!compression.inflateWhole) return undefined
  try {
    const { content, used } = compression.inflateWhole(bytes, smallInflatedBytes)
    return skipPadding(bytes.subarray(used)).length === 0 ? content : undefined
  } catch {
    return undefined
  }
}

export interface InflateNamedOptions {
  /** Place that begins error messages. */
  readonly where: string
  readonly detail: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal | undefined
}

/** As `inflateFile`, for bytes with a name. */
export async function* inflateNamed(
  source: AsyncIterable<Uint8Array>,
  name: string,
  options: InflateNamedOptions,
): AsyncGenerator<Uint8Array> {
  const compression = compressionOf(name)
  yield* compression ? inflateBytes(source, compression, options) : source
}

/** Inflates bytes, any number of streams one after another. @throws INPUT_INVALID when they are damaged or cut short */
export async function* inflateBytes(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  { where, detail, signal }: InflateNamedOptions,
): AsyncGenerator<Uint8Array> {
  try {
    yield* compression.inflate(source, { signal })
  } catch (error) {
    throw inflateFault(error, { where, detail })
  }
}

function inflateFault(error: unknown, { where, detail }: InflateNamedOptions): unknown {
  if (!(error instanceof Error) || !('code' in error) || !/^(Z_|ZSTD_)/.test(String(error.code))) return error
  const what = error.code === 'Z_BUF_ERROR' ? 'its compressed data is cut short' : `its compressed data is damaged`
  const message = `${where}: ${what} (${error.message}); compare it with its source`
  return new PermanentError('INPUT_INVALID', message, { ...detail, reason: error.code }, { cause: error })
}
