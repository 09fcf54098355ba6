/** Reads, inflates and checks one slice into a stage. */
import { isParsed, isText } from '../define/formats/format-kind.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { type FanmillError, PermanentError } from '../errors/errors.ts'
import { inflateFile, inflateSmall } from '../inflate/file.ts'
import { skippedMember } from '../model/outcome/skipped-member.ts'
import type {
  FileSlice,
  InputObject,
  ItemSlice,
  MembersSlice,
  RangeSlice,
  RowsSlice,
  Slice,
} from '../model/plan-data.ts'
import { smallFileBytes } from '../store/store.ts'
import { cutRecords } from '../text/records/cut.ts'
import { type RangeSliceOptions, readRangeSlice } from '../text/records/read-range-slice.ts'
import { once, readTexts } from './member-text.ts'
import { passRangeSlice } from './pass-range-slice.ts'
import { rowLines } from './row-lines.ts'
import { stageExchange } from './stage-exchange.ts'
import { stageParquet, stageParquetFile, stagePart } from './stage-parquet.ts'
import type { Origin } from './stage-text.ts'
import type { SliceStageOptions, Staging } from './staging.ts'

/** Yields after each long piece; the caller may then continue with another stage. */
type Pieces = AsyncGenerator<void>

/** Stages a slice into what `staging` returns, which is called again after each yield. */
export function stageSlice(
  slice: Slice,
  input: InputObject,
  staging: () => Staging,
  options: SliceStageOptions,
): Pieces {
  switch (slice.kind) {
    case 'members':
      return stageMembers(slice, input, staging, options)
    case 'range':
      return stageRange(slice, input, staging, options)
    case 'file':
      return stageFile(slice, input, staging, options)
    case 'rows':
      return stageRows(slice, input, staging, options)
    case 'item':
      return stageItem(slice, input, staging, options)
    case 'part':
      return stagePart(slice, staging, options)
    case 'exchange':
      return stageExchange(slice, input, staging, options)
    case 'stream':
      throw new PermanentError('STATE_INVALID', `slice ${slice.slice} is a stream; another thread stages it`)
  }
}

async function* stageMembers(
  slice: MembersSlice,
  input: InputObject,
  current: () => Staging,
  options: SliceStageOptions,
): Pieces {
  const { store, limits, signal, onBadMember } = options
  const onBad = (_member: unknown, error: FanmillError): void => {
    current().skipped.push(skippedMember(error))
  }
  const reading = { limits, signal, onBad: onBadMember === 'skip' ? onBad : undefined }
  /** Bytes since the last piece. Where pieces end must not depend on how they are staged. */
  let bytes = 0
  for await (const found of readTexts(store, input, slice, reading)) {
    const origin = { archive: input.key, member: found.member.name }
    const staging = current()
    staging.counts.members++
    if (!staging.text) {
      staging.addInflated(found.member.inflatedBytes)
      await stageParquet(staging, options, origin, 'bytes' in found ? found.bytes : found.chunks)
    } else if ('chunks' in found) yield* stagePieces(current, options, origin, found.chunks)
    else if (isParsed(options.format)) yield* stagePieces(current, options, origin, once(found.bytes))
    else {
      staging.addInflated(found.bytes.length)
      staging.text.add(found.bytes, origin)
      // The slice of a compressed tar archive may have any number of members.
      bytes += found.bytes.length
      if (bytes < pieceBytes) continue
      bytes = 0
      yield
    }
  }
  current().counts.bytesIn += slice.range.end - slice.range.start
}

/** Stages a long text. Memory: one piece. */
async function* stagePieces(
  current: () => Staging,
  { format }: SliceStageOptions,
  origin: Pick<Origin, 'archive' | 'member'>,
  source: AsyncIterable<Uint8Array>,
): Pieces {
  if (!isText(format))
    throw new PermanentError('STATE_INVALID', `a file of format ${format.kind} is not cut into pieces`)
  for await (const { bytes, header, firstLine, firstRecord, gaps } of cutRecords(source, {
    format,
    pieceBytes,
    origin,
  })) {
    const staging = current()
    staging.addInflated(bytes.length)
    staging.text?.add(bytes, { ...origin, header, firstLine, firstRecord, gaps })
    yield
  }
}

const pieceBytes = 8 * 1024 * 1024

async function* stageRange(
  slice: RangeSlice,
  input: InputObject,
  current: () => Staging,
  options: SliceStageOptions,
): Pieces {
  const staging = current()
  const { store, format, isLocated, signal } = options
  if (!isText(format))
    throw new PermanentError('STATE_INVALID', `a file of format ${format.kind} is not cut by byte ranges`)
  const { take: into } = staging.buffer
  const reading = { store, input, slice, format, into, signal }
  const place = { archive: input.key, member: '' }
  const readNow = store.readNow?.bind(store)
  const passed =
    readNow && (await staging.text?.addPassed(place, take => passRangeSlice({ ...reading, readNow }, take)))
  const read = passed ?? (await addRange({ ...reading, isPlaced: isLocated }, staging))
  staging.ranges.push({ slice: slice.slice, input: slice.input, start: read.start, end: read.end })
  staging.counts.bytesIn += read.end - read.start
  staging.addInflated(read.textBytes)
  if (slice.range.start === 0) staging.counts.members++
  yield
}

/** Stages a slice of a text that is read as a whole. */
async function addRange(options: RangeSliceOptions, { text }: Staging) {
  const { bytes, header, firstLine, firstRecord, scan, start, end } = await readRangeSlice(options)
  text?.add(bytes, { archive: options.input.key, member: '', header, firstLine, firstRecord, scan })
  return { start, end, textBytes: bytes.length }
}

/** Stages the rows of a partition as JSON lines. Memory: one piece. */
async function* stageRows(
  slice: RowsSlice,
  { key }: InputObject,
  current: () => Staging,
  options: SliceStageOptions,
): Pieces {
  const { rowsOf, signal } = options
  if (!rowsOf) throw new PermanentError('STATE_INVALID', `slice ${slice.slice} is read from a source that yields rows`)
  current().counts.members++
  const lines = rowLines(() => rowsOf(slice.partition), { partition: key, signal })
  yield* stagePieces(current, options, { archive: key, member: '' }, lines)
}

/** Stages the rows of a value as JSON lines. Memory: the rows. */
async function* stageItem(
  slice: ItemSlice,
  { key }: InputObject,
  current: () => Staging,
  { itemText }: SliceStageOptions,
): Pieces {
  if (!itemText)
    throw new PermanentError('STATE_INVALID', `slice ${slice.slice} is read from a source that maps values`)
  const bytes = await itemText(slice)
  const staging = current()
  staging.counts.members++
  staging.addInflated(bytes.length)
  staging.text?.add(bytes, { archive: key, member: '' })
  yield
}

/** Stages a Parquet file, or a text file that is small enough for one thread. */
async function* stageFile(
  _slice: FileSlice,
  input: InputObject,
  current: () => Staging,
  options: SliceStageOptions,
): Pieces {
  const staging = current()
  const { store, signal } = options
  if (!isParsed(options.format) && input.sizeBytes <= smallFileBytes && (await stageSmall(input, staging, options)))
    return
  staging.counts.members++
  if (!staging.text) {
    staging.addInflated(input.sizeBytes)
    return stageParquetFile(input, staging, options)
  }
  staging.counts.bytesIn += input.sizeBytes
  const source = inflateFile(store, input, { signal })
  yield* stagePieces(current, options, { archive: input.key, member: '' }, source)
}

/** Stages a small file that is read and inflated in one go. Returns false when it inflates to more than may be in memory. */
async function stageSmall(input: InputObject, staging: Staging, options: SliceStageOptions): Promise<boolean> {
  const { store, signal } = options
  const { key, etag, sizeBytes } = input
  throwIfAborted(signal)
  const { take: into } = staging.buffer
  const bytes = store.readNow
    ? store.readNow(key, { etag, into })
    : await store.read(key, { etag, range: { start: 0, end: sizeBytes }, signal })
  const origin = { archive: key, member: '' }
  const content = staging.text ? inflateSmall(bytes, key) : bytes
  if (!content) return false
  staging.counts.members++
  staging.counts.bytesIn += sizeBytes
  staging.addInflated(content.length)
  if (staging.text) staging.text.add(content, origin)
  else await stageParquet(staging, options, origin, content)
  return true
}
