/** Slices as staged text: reads, inflates and checks them, and refuses headers that do not have the declared columns. */
import { createWriteStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type FanmillError, PermanentError } from '../core/errors.ts'
import type { BatchInputs, FileSlice, InputObject, MembersSlice, RangeSlice, Slice } from '../core/plan-data.ts'
import { inputOf } from '../core/plan-files.ts'
import { ReusedBuffer } from '../core/reused-buffer.ts'
import type { RangeEnds, StagedText } from '../core/share.ts'
import type { Reader } from '../core/store.ts'
import type { Columns, Format, ZipLimits } from '../define/definition.ts'
import { checkHeader } from './check-header.ts'
import { cutRecords } from './cut-records.ts'
import { inflateFile } from './inflate-file.ts'
import { readTexts } from './member-text.ts'
import type { WantedRange } from './read-ahead.ts'
import { readRangeSlice } from './read-range-slice.ts'
import { restage } from './restage.ts'
import { createStage, type Origin, type Stage, type StagedFile } from './stage.ts'

export type StageSource =
  | {
      readonly kind: 'slices'
      readonly slices: readonly Slice[]
      readonly inputs: BatchInputs
    }
  | { readonly kind: 'staged'; readonly staged: StagedText }

export interface SliceStageOptions {
  readonly store: Reader
  readonly folder: string
  readonly format: Format
  readonly columns: Columns
  readonly onNewColumn: 'ignore' | 'fail' | 'keep'
  readonly onMissingColumn: 'fail' | 'null'
  readonly onBadMember: 'fail' | 'skip'
  readonly limits: Pick<ZipLimits, 'memberBytesMax'>
  readonly stageBytesMax: number
  readonly isLocated: boolean
  /** A staged file for each member; default false. */
  readonly isByMember?: boolean
  readonly signal?: AbortSignal
  onSkip(member: string, error: FanmillError): void
  /** Called as text is inflated, with its bytes. */
  onInflated?(bytes: number): void
}

/** The reads that staging slices begins with, in their order. */
export function wantedRanges({
  slices,
  inputs,
}: Pick<Extract<StageSource, { kind: 'slices' }>, 'slices' | 'inputs'>): WantedRange[] {
  return slices.flatMap(slice => {
    if (slice.kind !== 'members') return []
    const { key, etag } = inputOf(inputs, slice)
    return [{ key, etag, range: slice.range }]
  })
}

export interface StagedSlices {
  readonly files: readonly StagedFile[]
  /** In the order in which located records count them. A member in several pieces stands here once a piece. */
  readonly members: readonly { readonly archive: string; readonly member: string; readonly records: number }[]
  readonly memberCount: number
  readonly membersSkipped: number
  readonly recordsFound: number
  readonly bytesIn: number
  readonly bytesInflated: number
  readonly ranges: readonly RangeEnds[]
  discard(): void
}

/** Memory: the largest slice's range and one inflated member. @throws COLUMN_MISSING, COLUMN_NEW, INPUT_*, ZIP_*, DISK_FULL */
export async function stageSlices(source: StageSource, options: SliceStageOptions): Promise<StagedSlices> {
  const staging = openStaging(options)
  try {
    if (source.kind === 'staged') await stageAgain(source.staged, staging, options)
    else for (const slice of source.slices) await stageSlice(slice, inputOf(source.inputs, slice), staging, options)
    return finish(staging, options)
  } catch (error) {
    staging.discard()
    throw error
  }
}

interface Staging {
  /** Undefined for Parquet, which is not text. */
  readonly text: Stage | undefined
  readonly whole: StagedFile[]
  readonly ranges: RangeEnds[]
  /** Staged elsewhere and used as they are; not ours to remove. */
  borrowed: readonly StagedFile[]
  /** Of the slices that are read one after another. */
  readonly buffer: ReusedBuffer
  readonly counts: { members: number; skipped: number; bytesIn: number; bytesInflated: number }
  /** Counts bytes that were inflated. */
  addInflated(bytes: number): void
  readonly name: string
  discard(): void
}

let stageCount = 0

function openStaging({
  folder,
  format,
  isLocated,
  isByMember = false,
  stageBytesMax,
  onInflated,
}: SliceStageOptions): Staging {
  const counts = { members: 0, skipped: 0, bytesIn: 0, bytesInflated: 0 }
  const name = `stage${stageCount++}`
  const text =
    format.kind === 'parquet'
      ? undefined
      : createStage({ folder, format, located: isLocated, isByMember, stageBytesMax, name })
  const whole: StagedFile[] = []
  const discard = (): void => {
    text?.discard()
    for (const { file } of whole) rmSync(file, { force: true })
  }
  return {
    text,
    whole,
    ranges: [],
    borrowed: [],
    buffer: new ReusedBuffer(),
    counts,
    addInflated(bytes) {
      counts.bytesInflated += bytes
      onInflated?.(bytes)
    },
    name,
    discard,
  }
}

function stageSlice(slice: Slice, input: InputObject, staging: Staging, options: SliceStageOptions): Promise<void> {
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

async function stageMembers(
  slice: MembersSlice,
  input: InputObject,
  staging: Staging,
  options: SliceStageOptions,
): Promise<void> {
  const { store, limits, signal, onBadMember, onSkip } = options
  const onBad = (member: { readonly name: string }, error: FanmillError): void => {
    staging.counts.skipped++
    onSkip(member.name, error)
  }
  const reading = { limits, ...(signal && { signal }), ...(onBadMember === 'skip' && { onBad }) }
  for await (const found of readTexts(store, input, slice, reading)) {
    const origin = { archive: input.key, member: found.member.name }
    staging.counts.members++
    if (!staging.text) {
      staging.addInflated(found.member.inflatedBytes)
      await stageWhole(staging, options.folder, origin, 'bytes' in found ? [found.bytes] : found.chunks)
    } else if ('chunks' in found) await stagePieces(staging, options, origin, found.chunks)
    else {
      staging.addInflated(found.bytes.length)
      staging.text.add(found.bytes, origin)
    }
  }
  staging.counts.bytesIn += slice.range.end - slice.range.start
}

/** A long text: never more of it in memory than a piece. */
async function stagePieces(
  staging: Staging,
  { format }: SliceStageOptions,
  origin: Pick<Origin, 'archive' | 'member'>,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  if (format.kind === 'parquet') throw new PermanentError('STATE_INVALID', 'Parquet is not cut into pieces')
  for await (const { bytes, header, firstLine, firstRecord } of cutRecords(source, { format, pieceBytes, origin })) {
    staging.addInflated(bytes.length)
    staging.text?.add(bytes, { ...origin, header, firstLine, firstRecord })
  }
}

const pieceBytes = 8 * 1024 * 1024

async function stageRange(
  slice: RangeSlice,
  input: InputObject,
  staging: Staging,
  options: SliceStageOptions,
): Promise<void> {
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
  staging.addInflated(read.bytes.length)
  if (slice.range.start === 0) staging.counts.members++
}

/** Text files small enough for one thread, and Parquet. */
async function stageFile(
  _slice: FileSlice,
  input: InputObject,
  staging: Staging,
  options: SliceStageOptions,
): Promise<void> {
  const { store, folder, signal } = options
  const source = inflateFile(store, input, signal ? { signal } : {})
  staging.counts.members++
  staging.counts.bytesIn += input.sizeBytes
  if (!staging.text) {
    staging.addInflated(input.sizeBytes)
    return stageWhole(staging, folder, { archive: input.key, member: '' }, source)
  }
  await stagePieces(staging, options, { archive: input.key, member: '' }, source)
}

/** A file for the engine as it is; how many rows it has only its footer says. */
async function stageWhole(
  staging: Staging,
  folder: string,
  origin: { readonly archive: string; readonly member: string },
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = join(folder, `${staging.name}-${staging.whole.length}.parquet`)
  await pipeline(Readable.from(source), createWriteStream(file))
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

async function stageAgain(staged: StagedText, staging: Staging, options: SliceStageOptions): Promise<void> {
  const files = staged.files as readonly StagedFile[]
  if (options.isLocated && staging.text && files.some(file => !file.located)) await restage(files, staging.text)
  else staging.borrowed = files
  // A member that comes in pieces counts where it begins.
  staging.counts.members += files.flatMap(file => file.members).filter(member => member.firstRecord === 1).length
  staging.addInflated(files.reduce((sum, file) => sum + file.bytes, 0))
}

function finish(staging: Staging, options: SliceStageOptions): StagedSlices {
  const files = [...(staging.text?.finish() ?? []), ...staging.whole, ...staging.borrowed]
  const { format } = options
  if (format.kind === 'csv' && format.header) for (const file of files) checkHeader(file, { ...options, format })
  const members = files.flatMap(file => file.members).sort((a, b) => a.index - b.index)
  return {
    files,
    members,
    memberCount: staging.counts.members,
    membersSkipped: staging.counts.skipped,
    recordsFound: files.reduce((sum, file) => sum + file.records, 0),
    bytesIn: staging.counts.bytesIn,
    bytesInflated: staging.counts.bytesInflated,
    ranges: staging.ranges,
    discard: staging.discard,
  }
}
