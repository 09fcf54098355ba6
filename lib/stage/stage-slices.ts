/** Stages slices as text: reads, inflates and checks them, and refuses headers that lack declared columns. */
import { rmSync } from 'node:fs'
import { archiveKind } from '../archive/archive-kind.ts'
import { hasHeader, isText } from '../define/formats/format-kind.ts'
import { onlyPlace } from '../model/member-place.ts'
import type { BatchInputs, Slice } from '../model/plan-data.ts'
import type { ShareResult, StagedText } from '../model/share.ts'
import { inputOf } from '../state/plan-files.ts'
import type { WantedRange } from '../store/read-ahead.ts'
import { ReusedBuffer } from '../store/reused-buffer.ts'
import { type Reader, smallFileBytes } from '../store/store.ts'
import { checkHeader } from './check-header.ts'
import { restage } from './restage.ts'
import { createStage } from './stage.ts'
import { rangeOf } from './stage-exchange.ts'
import { stageSlice } from './stage-slice.ts'
import { inOrder, type StagedFile } from './staged-file.ts'
import type { SliceStageOptions, Staging } from './staging.ts'

export type StageSource =
  | {
      readonly kind: 'slices'
      readonly slices: readonly Slice[]
      readonly inputs: BatchInputs
      /** Which of their pieces are staged, as `stageSlice` yields them, end exclusive. Default all. */
      readonly pieces?: PieceRange | undefined
    }
  | { readonly kind: 'staged'; readonly staged: StagedText }

export interface PieceRange {
  readonly start: number
  readonly end: number
}

/** Returns the reads that staging these slices begins with, in order. Small files are included only for stores without `readNow`. */
export function wantedRanges(
  { slices, inputs }: Pick<Extract<StageSource, { kind: 'slices' }>, 'slices' | 'inputs'>,
  { readNow, files }: Pick<Reader, 'readNow' | 'files'>,
): WantedRange[] {
  return slices.flatMap(slice => {
    if (slice.kind === 'exchange')
      return files
        ? []
        : slice.pieces
            .filter(({ etag }) => etag === undefined)
            .map(piece => ({ key: piece.key, range: rangeOf(piece) }))
    const { key, etag, sizeBytes } = inputOf(inputs, slice)
    if (slice.kind === 'members')
      return slice.isNested || archiveKind(key).isSequential ? [] : [{ key, etag, range: slice.range }]
    const isSmall = !readNow && slice.kind === 'file' && sizeBytes > 0 && sizeBytes <= smallFileBytes
    return isSmall ? [{ key, etag, range: { start: 0, end: sizeBytes }, isSmall }] : []
  })
}

export interface StagedSlices
  extends Pick<ShareResult, 'skipped' | 'recordsFound' | 'bytesIn' | 'bytesInflated' | 'rowGroupsSkipped' | 'ranges'> {
  readonly files: readonly StagedFile[]
  /** Members in the order of their index in located records; one entry per piece. */
  readonly members: readonly { readonly archive: string; readonly member: string; readonly records: number }[]
  readonly memberCount: number
  /** Checks that files which the engine opened where they are did not change meanwhile. @throws INPUT_CHANGED */
  checkUnchanged(): Promise<void>
  discard(): void
}

export interface StagedPart {
  readonly staged: StagedSlices
  readonly isLast: boolean
  /** The pieces of the slices that it has. */
  readonly pieces: PieceRange
}

interface PartOptions extends SliceStageOptions {
  readonly partBytes: number
  /** Whether the parts that follow are staged as text, from which they can be staged again. Default false. */
  readonly keepsText?: () => boolean
}

/**
 * Stages slices in parts of about `partBytes`, because the size of compressed text is known only when it is inflated.
 * The caller discards each part before it requests the next one.
 * Memory: the largest slice's range and one inflated member.
 * @throws COLUMN_MISSING, COLUMN_NEW, INPUT_*, ZIP_*, DISK_FULL
 */
export async function* stageInParts(source: StageSource, options: PartOptions): AsyncGenerator<StagedPart> {
  let staging = openStaging(options)
  let pieces: PieceRange = { start: 0, end: 0 }
  try {
    if (source.kind === 'staged') await reuseStaged(source.staged, staging, options)
    else
      for await (const _piece of piecesOf(source, () => staging, options)) {
        pieces = { ...pieces, end: pieces.end + 1 }
        if (pieces.end === source.pieces?.end) break
        const isOther = pieces.end <= (source.pieces?.start ?? 0)
        const isFull = !source.pieces && (staging.text?.bytes ?? 0) >= options.partBytes
        if (!isOther && !isFull) continue
        const done = staging
        staging = openStaging(options)
        if (isOther) done.discard()
        else yield { staged: finish(done, options), isLast: false, pieces }
        pieces = { start: pieces.end, end: pieces.end }
      }
    yield { staged: finish(staging, options), isLast: true, pieces: { ...pieces, end: Number.MAX_SAFE_INTEGER } }
  } catch (error) {
    staging.discard()
    throw error
  }
}

async function* piecesOf(
  { slices, inputs }: Extract<StageSource, { kind: 'slices' }>,
  staging: () => Staging,
  options: SliceStageOptions,
): AsyncGenerator<void> {
  for (const slice of slices) yield* stageSlice(slice, inputOf(inputs, slice), staging, options)
}

/** Stages slices as one part. @throws as `stageInParts` */
export async function stageSlices(source: StageSource, options: SliceStageOptions): Promise<StagedSlices> {
  const [part] = await Array.fromAsync(stageInParts(source, { ...options, partBytes: Number.POSITIVE_INFINITY }))
  return (part as StagedPart).staged
}

let stageCount = 0

function openStaging({ keepsText, ...options }: Omit<PartOptions, 'partBytes'>): Staging {
  const { format, columns, isLocated } = options
  const parsing = keepsText?.() ? undefined : options.parsing
  const counts = { members: 0, bytesIn: 0, bytesInflated: 0, rowGroupsSkipped: 0 }
  const name = `stage${stageCount++}`
  const text = isText(format)
    ? createStage({ ...options, parsing, format, located: isLocated, columnNames: Object.keys(columns), name })
    : undefined
  const parquetPaths: string[] = []
  const discard = (): void => {
    text?.discard()
    for (const path of parquetPaths) rmSync(path, { force: true })
  }
  return {
    text,
    parquet: [],
    parquetPaths,
    opened: [],
    ranges: [],
    borrowed: [],
    buffer: new ReusedBuffer(),
    counts,
    addInflated(bytes) {
      counts.bytesInflated += bytes
      options.onInflated?.(bytes)
    },
    skipped: [],
    name,
    discard,
  }
}

/** Uses staged files unchanged where they are as the options require, and stages them again where they are not. */
async function reuseStaged(staged: StagedText, staging: Staging, options: SliceStageOptions): Promise<void> {
  const files = staged.files as readonly StagedFile[]
  const mustLocate = options.isLocated && files.some(file => !file.located)
  const mustSplit = options.isByMember && files.some(file => !onlyPlace(file.members))
  const { text } = staging
  if (text && (mustLocate || mustSplit)) await restage(files, text)
  else staging.borrowed = files.filter(file => !text?.addStaged(file))
  // A member in several pieces is counted with its first piece.
  staging.counts.members += files.flatMap(file => file.members).filter(member => member.firstRecord === 1).length
  staging.addInflated(files.reduce((sum, file) => sum + file.bytes, 0))
}

function finish(staging: Staging, options: SliceStageOptions): StagedSlices {
  const files = [...inOrder([...(staging.text?.finish() ?? []), ...staging.borrowed]), ...staging.parquet]
  const { format } = options
  if (hasHeader(format)) for (const file of files) checkHeader(file, { ...options, format })
  const members = files.flatMap(file => file.members).sort((a, b) => a.index - b.index)
  const { members: memberCount, ...counts } = staging.counts
  return {
    files,
    members,
    memberCount,
    ...counts,
    skipped: staging.skipped,
    recordsFound: files.reduce((sum, file) => sum + file.records, 0),
    ranges: staging.ranges,
    async checkUnchanged() {
      for (const { key, etag } of staging.opened) await options.store.fileOf?.(key, etag)
    },
    discard: staging.discard,
  }
}
