/** Cuts plain files into slices by bytes, and packs slices into batches and shares that end together. */
import type { RangeSlice, Slice } from '../model/plan-data.ts'

export interface RangeSlicesOptions {
  readonly input: number
  readonly sizeBytes: number
  readonly firstSlice?: number
  readonly sliceBytes?: number
}

const mebibyte = 1024 * 1024
/** Seen to be best between 16 and 32 MB: fewer reads against balance and memory. */
export const defaultSliceBytes = 32 * mebibyte
/** What a member costs beside its bytes, in bytes: 100,000 tiny members are work too. */
const memberWeightBytes = 2048

/** A plain text file in ranges of equal size near `sliceBytes`; none for an empty file. */
export function planRangeSlices({
  input,
  sizeBytes,
  firstSlice = 0,
  sliceBytes = defaultSliceBytes,
}: RangeSlicesOptions): readonly RangeSlice[] {
  const count = Math.ceil(sizeBytes / sliceBytes)
  return Array.from({ length: count }, (_, index) => {
    const range = { start: cutAt(index, count, sizeBytes), end: cutAt(index + 1, count, sizeBytes) }
    return { kind: 'range', slice: firstSlice + index, input, range, bytes: range.end - range.start }
  })
}

export interface PackOptions {
  /** Inflated bytes of a batch come near this. */
  readonly batchBytes: number
  /** What a slice weighs at least, because a request takes its time however little it brings; default 0. */
  readonly requestBytes?: number
}

/**
 * Slices in as few batches as hold `batchBytes` each, of nearly equal bytes; in a batch by slice number, that is in archive order.
 * Neighbouring ranges of a text stay together a quarter of a batch at a time, because only together can they check where they begin.
 */
export function packBatches<T extends Weighted>(
  slices: readonly T[],
  { batchBytes, requestBytes = 0 }: PackOptions,
): readonly (readonly T[])[] {
  const packs = packsOf(slices, { packBytes: batchBytes / 4, requestBytes })
  const batches = splitShares(packs, Math.max(1, Math.ceil(bytesOf(packs) / batchBytes)))
  return batches.map(batch => batch.flatMap(pack => pack.slices))
}

interface Pack<T> extends Weighted {
  readonly slices: T[]
}

/** Each slice by itself, but for neighbouring ranges. */
function packsOf<T extends Weighted>(
  slices: readonly T[],
  { packBytes, requestBytes }: { readonly packBytes: number; readonly requestBytes: number },
): Pack<T>[] {
  const packs: (Pack<T> & { bytes: number })[] = []
  for (const slice of slices) {
    const pack = packs.at(-1)
    const bytes = Math.max(weightOf(slice), requestBytes)
    if (pack && isNextRange(pack.slices.at(-1), slice) && pack.bytes + bytes <= packBytes) {
      pack.slices.push(slice)
      pack.bytes += bytes
    } else packs.push({ slice: slice.slice, bytes, slices: [slice] })
  }
  return packs
}

function isNextRange(left: Weighted | undefined, right: Weighted): boolean {
  return (
    left?.kind === 'range' && right.kind === 'range' && left.input === right.input && left.slice + 1 === right.slice
  )
}

/**
 * Slices in at most `count` shares: the largest first, each to the lightest share (LPT: at most 4/3 of the best).
 * Deterministic whatever the order given; no share is empty; in a share by slice number.
 */
export function splitShares<T extends Weighted>(slices: readonly T[], count: number): readonly (readonly T[])[] {
  const shares = Array.from({ length: Math.min(count, slices.length) }, () => ({ bytes: 0, slices: [] as T[] }))
  for (const slice of slices.toSorted((a, b) => b.bytes - a.bytes || a.slice - b.slice)) {
    const share = shares.reduce((best, other) => (isLighter(other, best) ? other : best))
    share.bytes += slice.bytes
    share.slices.push(slice)
  }
  return shares.map(share => share.slices.toSorted((a, b) => a.slice - b.slice))
}

/** The largest slice over the mean: 1 is even; 1 as well when there is nothing. */
export function skew(slices: readonly Weighted[]): number {
  const bytes = bytesOf(slices)
  if (bytes === 0) return 1
  return slices.reduce((max, slice) => Math.max(max, slice.bytes), 0) / (bytes / slices.length)
}

type Weighted = Pick<Slice, 'slice' | 'bytes'> &
  Partial<Pick<Slice, 'kind' | 'input'>> & { readonly memberCount?: number }

/** Bytes of a slice, and what its members cost besides. */
export function weightOf({ bytes, memberCount = 0 }: Pick<Weighted, 'bytes' | 'memberCount'>): number {
  return bytes + memberCount * memberWeightBytes
}

interface Share {
  readonly bytes: number
  readonly slices: readonly unknown[]
}

/** By count where bytes are equal, so that empty slices spread too. */
function isLighter(a: Share, b: Share): boolean {
  return a.bytes < b.bytes || (a.bytes === b.bytes && a.slices.length < b.slices.length)
}

function bytesOf(slices: readonly Weighted[]): number {
  return slices.reduce((sum, slice) => sum + slice.bytes, 0)
}

function cutAt(index: number, count: number, sizeBytes: number): number {
  return Math.floor((sizeBytes * index) / count)
}
