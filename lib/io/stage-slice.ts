/** Reads, inflates and checks one slice into a stage. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type FanmillError, PermanentError } from '../core/errors.ts'
import { type MemberPlace, withPlace } from '../core/member-place.ts'
import { refuseOtherFile } from '../core/other-file.ts'
import type { FileSlice, InputObject, MembersSlice, RangeSlice, Slice } from '../core/plan-data.ts'
import { skippedMember } from '../core/skipped-member.ts'
import { cutRecords } from './cut-records.ts'
import { inflateFile } from './inflate-file.ts'
import { readTexts } from './member-text.ts'
import { readRangeSlice } from './read-range-slice.ts'
import type { Origin } from './stage.ts'
import type { SliceStageOptions, Staging } from './stage-slices.ts'

/** Gives control back after each long piece, before which the stage may be another. */
type Pieces = AsyncGenerator<void>

/** Reads a slice into the stage that is current. */
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
  const reading = { limits, ...(signal && { signal }), ...(onBadMember === 'skip' && { onBad }) }
  for await (const found of readTexts(store, input, slice, reading)) {
    const origin = { archive: input.key, member: found.member.name }
    const staging = current()
    staging.counts.members++
    if (!staging.text) {
      staging.counts.bytesInflated += found.member.inflatedBytes
      await stageWhole(staging, options.folder, origin, 'bytes' in found ? [found.bytes] : found.chunks)
    } else if ('chunks' in found) yield* stagePieces(current, options, origin, found.chunks)
    else {
      staging.counts.bytesInflated += found.bytes.length
      staging.text.add(found.bytes, origin)
    }
  }
  current().counts.bytesIn += slice.range.end - slice.range.start
}

/** A long text: never more of it in memory than a piece. */
async function* stagePieces(
  current: () => Staging,
  { format }: SliceStageOptions,
  origin: Pick<Origin, 'archive' | 'member'>,
  source: AsyncIterable<Uint8Array>,
): Pieces {
  if (format.kind === 'parquet') throw new PermanentError('STATE_INVALID', 'Parquet is not cut into pieces')
  for await (const { bytes, header, firstLine, firstRecord } of cutRecords(source, { format, pieceBytes, origin })) {
    const staging = current()
    staging.counts.bytesInflated += bytes.length
    staging.text?.add(bytes, { ...origin, header, firstLine, firstRecord })
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
  if (options.format.kind === 'parquet') throw new PermanentError('STATE_INVALID', 'Parquet is not cut by byte ranges')
  const { store, format, isLocated, signal } = options
  const { take: into } = staging.buffer
  const read = await readRangeSlice({
    ...{ store, input, slice, format, isPlaced: isLocated, into },
    ...(signal && { signal }),
  })
  const { bytes, header, firstLine, firstRecord, scan } = read
  staging.text?.add(bytes, { archive: input.key, member: '', header, firstLine, firstRecord, scan })
  staging.ranges.push({ slice: slice.slice, input: slice.input, start: read.start, end: read.end })
  staging.counts.bytesIn += read.end - read.start
  staging.counts.bytesInflated += read.bytes.length
  if (slice.range.start === 0) staging.counts.members++
  yield
}

/** Text files small enough for one thread, and Parquet. */
async function* stageFile(
  _slice: FileSlice,
  input: InputObject,
  current: () => Staging,
  options: SliceStageOptions,
): Pieces {
  const staging = current()
  const { store, folder, signal } = options
  const source = inflateFile(store, input, signal ? { signal } : {})
  staging.counts.members++
  staging.counts.bytesIn += input.sizeBytes
  if (!staging.text) {
    staging.counts.bytesInflated += input.sizeBytes
    return stageWhole(staging, folder, { archive: input.key, member: '' }, source)
  }
  yield* stagePieces(current, options, { archive: input.key, member: '' }, source)
}

/** What the engine says of a file of another kind does not help. */
async function* checkedParquet(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  origin: MemberPlace,
): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const chunk of source) {
    if (isFirst) refuse(chunk, origin)
    isFirst = false
    yield chunk
  }
}

function refuse(chunk: Uint8Array, origin: MemberPlace): void {
  try {
    refuseOtherFile(chunk, origin.member || origin.archive, 'a Parquet file')
  } catch (error) {
    throw withPlace(error, origin)
  }
}

/** A file for the engine as it is; how many rows it has only its footer says. */
async function stageWhole(
  staging: Staging,
  folder: string,
  origin: { readonly archive: string; readonly member: string },
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = join(folder, `${staging.name}-${staging.whole.length}.parquet`)
  await pipeline(Readable.from(checkedParquet(source, origin)), createWriteStream(file))
  const member = {
    index: staging.whole.length,
    ...origin,
    records: 0,
    start: 0,
    end: 0,
    firstLine: 1,
    firstRecord: 1,
    header: [],
  }
  staging.whole.push({ file, columns: [], newline: 'lf', records: 0, bytes: 1, located: false, members: [member] })
}
