/** Reads a slice of a large text in windows that stay in the processor's cache. New memory for the whole slice would cost several times as much as reading it. */
import { setImmediate } from 'node:timers/promises'
import { throwIfAborted } from '../errors/abort.ts'
import { withPlace } from '../model/member-place.ts'
import type { Reader } from '../store/store.ts'
import { dialectOf, encodingOf, longestRecordBytes } from '../text/records/dialect.ts'
import { RangeWindow } from '../text/records/range-window.ts'
import { findStart, type RangeSliceOptions, type RangeText, readTop } from '../text/records/read-range-slice.ts'
import { createWindowScan } from '../text/records/records.ts'

export interface PassOptions extends Omit<RangeSliceOptions, 'isPlaced' | 'recordBytesMax' | 'into'> {
  readonly readNow: NonNullable<Reader['readNow']>
  /** Provides the memory for two windows. */
  readonly into: (lengthBytes: number) => Uint8Array
  /** Bytes of a window; default a mebibyte. */
  readonly windowBytes?: number
}

/** A slice whose records were passed on. */
export interface PassedText extends Pick<RangeText, 'start' | 'end' | 'scan'> {
  readonly textBytes: number
  /** As in `RangeText`, for the first slice; absent for others. */
  readonly firstLine?: number
}

const defaultWindowBytes = 1 << 20

/** Returns whether more records are wanted. */
type TakeRecords = (records: Uint8Array, header: readonly string[]) => boolean

/** Windows after which messages are received, such as the one that stops a thread. */
const windowsAtOnce = 16

/**
 * Passes the records of a slice on in pieces of whole records, each of which is valid during the call. Returns undefined for a slice without
 * records, after any number of pieces where a record is longer than a window, and where no more records are wanted: read it with `readRangeSlice`.
 * Memory: two windows. @throws as `readRangeSlice`
 */
export async function passRangeSlice(options: PassOptions, take: TakeRecords): Promise<PassedText | undefined> {
  try {
    return await passText(options, take)
  } catch (error) {
    throw withPlace(error, { archive: options.input.key, member: '' })
  }
}

async function passText(options: PassOptions, take: TakeRecords): Promise<PassedText | undefined> {
  const { store, input, slice, format, signal, windowBytes = defaultWindowBytes } = options
  const { range } = slice
  const reading = { store, input, recordBytesMax: longestRecordBytes, signal }
  const top = await readTop(new RangeWindow(reading, { start: 0, end: 0 }), format)
  const dialect = dialectOf(format, encodingOf(format))
  const findFirst = async (): Promise<number> => {
    const start = range.start - 1
    const end = Math.min(start + windowBytes, range.end)
    const text = new RangeWindow({ ...reading, recordBytesMax: windowBytes }, { start, end })
    await text.grow()
    return findStart(text, dialect, top.columnCount)
  }
  const from = slice.recordStart ?? (range.start <= top.end ? top.end : await findFirst())
  if (from === -1 || from >= range.end) return undefined
  const scan = createWindowScan(dialect, range.end - from)
  const end = await passWindows(options, { from, scan, take: records => take(records, top.names) })
  if (end === undefined) return undefined
  const read = { end, scan: scan.finish(), textBytes: end - from }
  return range.start === 0 ? { ...read, start: 0, firstLine: top.line } : { ...read, start: from }
}

interface Passing {
  readonly from: number
  readonly scan: ReturnType<typeof createWindowScan>
  take(records: Uint8Array): boolean
}

/** Returns the offset after the last record; undefined where a record is longer than a window, or no more are wanted. */
async function passWindows(
  {
    input: { key, etag, sizeBytes },
    slice: { range },
    signal,
    readNow,
    into,
    windowBytes = defaultWindowBytes,
  }: PassOptions,
  { from, scan, take }: Passing,
): Promise<number | undefined> {
  const buffer = into(2 * windowBytes)
  /** Bytes at the front of the buffer, of a record whose end is not read yet. */
  let held = 0
  for (let at = from, windows = 1; at < sizeBytes; windows++) {
    if (windows % windowsAtOnce === 0) await setImmediate()
    throwIfAborted(signal)
    const end = Math.min(at + windowBytes, Math.max(range.end, at) + lookAheadBytes, sizeBytes)
    const window = readNow(key, { etag, range: { start: at, end }, into: bytes => buffer.subarray(held, held + bytes) })
    const recordEnd = scan.push(window)
    const filled = held + window.length
    const complete = recordEnd === -1 ? 0 : held + recordEnd
    if (complete > 0 && !take(buffer.subarray(0, complete))) return undefined
    if (scan.isDone) return at + recordEnd
    buffer.copyWithin(0, complete, filled)
    held = filled - complete
    if (held > windowBytes) return undefined
    at = end
  }
  // The last record has no newline.
  return held === 0 || take(buffer.subarray(0, held)) ? sizeBytes : undefined
}

/** Bytes that are read beyond the range at once, for the end of the last record. */
const lookAheadBytes = 64 * 1024
