/** Cuts plain files into slices by bytes, and packs slices into batches and shares of equal work. */

import { greatest } from '../../model/greatest.ts'
import type { RangeSlice, Slice } from '../../model/plan-data.ts'

export interface RangeSlicesOptions {
  /** Index of the file or archive among the run's inputs. */
  readonly input: number
  readonly sizeBytes: number
  /** Number of the first slice; the others follow. Default 0. */
  readonly firstSlice?: number
  /** Inflated bytes that a slice comes near to; default 32 MiB. */
  readonly sliceBytes?: number
}

const mebibyte = 1024 * 1024
/** Bytes of a slice. Measured: 16 to 32 MB are best, as larger slices save reads and smaller ones improve balance and memory. */
export const defaultSliceBytes = 32 * mebibyte
/** Cost of a member besides its bytes, in bytes: 100,000 tiny members are work as well. */
const memberWeightBytes = 2048

/** Cuts a plain text file into ranges of equal size near `sliceBytes`; an empty file has none. */
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
  /** Inflated bytes that a batch comes near to. */
  readonly batchBytes: number
  /** The least weight of a slice, because a request takes its time for however few bytes; default 0. */
  readonly requestBytes?: number
}

/**
 * Packs slices into the fewest batches of `batchBytes`, of nearly equal bytes. A batch has them by slice number, that is in archive order.
 * Neighbouring ranges of a text stay together up to a quarter of a batch, because only together can they check where they begin.
 */
export function packBatches<T extends Weighted>(
  slices: readonly T[],
  { batchBytes, requestBytes = 0 }: PackOptions,
): readonly (readonly T[])[] {
  if (areItems(slices) || areSorted(slices)) return neighbours(slices, Math.ceil(bytesOf(slices) / batchBytes))
  const packs = packsOf(slices, { packBytes: batchBytes / 4, requestBytes })
  const batches = splitShares(packs, Math.max(1, Math.ceil(bytesOf(packs) / batchBytes)))
  return batches.map(batch => batch.flatMap(pack => pack.slices))
}

/** Returns whether slices are values of one list, whose order is that of the rows. */
export const areItems = (slices: readonly Weighted[]): boolean =>
  slices.length > 0 && slices.every(({ kind }) => kind === 'item')

/** Returns whether reading slices again gives the same rows, and calls no function of the user's source, which may give others each time. */
export const areRepeatable = (slices: readonly Weighted[]): boolean =>
  slices.every(({ kind }) => kind !== 'rows' && kind !== 'item')

/** Returns whether slices are ranges of an order, which is that of the rows. */
export const areSorted = (slices: readonly Weighted[]): boolean =>
  slices.length > 0 && slices.every(slice => 'keys' in slice && slice.keys !== undefined)

/** Splits slices into `count` runs of neighbours whose lengths differ by at most one; none is empty. */
export function neighbours<T>(slices: readonly T[], count: number): readonly (readonly T[])[] {
  const runs = Math.min(Math.max(1, count), slices.length)
  return Array.from({ length: runs }, (_, index) =>
    slices.slice(cutAt(index, runs, slices.length), cutAt(index + 1, runs, slices.length)),
  )
}

/** Shares of values for each thread: a thread that has finished one takes the next, so that slow values do not hold up the others. */
const itemSharesPerThread = 8

/**
 * Splits values into shares of neighbours. The time that a value takes is unknown, so there are more shares than threads, each with as many
 * values as a thread maps at once.
 */
export function itemShares<T>(
  values: readonly T[],
  { threads, callsAtOnce = 1 }: { readonly threads: number; readonly callsAtOnce?: number | undefined },
): readonly (readonly T[])[] {
  const most = Math.floor(values.length / callsAtOnce)
  return neighbours(values, Math.min(threads * itemSharesPerThread, Math.max(threads, most)))
}

interface Pack<T> extends Weighted {
  readonly slices: T[]
}

/** Returns each slice by itself, except for neighbouring ranges. */
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
 * Splits slices into at most `count` shares: the largest first, each into the lightest share (LPT: at most 4/3 of the best).
 * The result does not depend on the given order. No share is empty, and each has its slices by number.
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

/** Returns the largest slice over the mean: 1 where all are equal, or where there are none. */
export function skew(slices: readonly Weighted[]): number {
  const bytes = bytesOf(slices)
  if (bytes === 0) return 1
  return greatest(slices, slice => slice.bytes) / (bytes / slices.length)
}

type Weighted = Pick<Slice, 'slice' | 'bytes'> &
  Partial<Pick<Slice, 'kind' | 'input'>> & { readonly memberCount?: number }

/** Returns the bytes of a slice and the cost of its members. */
export function weightOf({ bytes, memberCount = 0 }: Pick<Weighted, 'bytes' | 'memberCount'>): number {
  return bytes + memberCount * memberWeightBytes
}

interface Share {
  readonly bytes: number
  readonly slices: readonly unknown[]
}

/** Whether a share is lighter; equal bytes are compared by count, so that empty slices are spread as well. */
function isLighter(a: Share, b: Share): boolean {
  return a.bytes < b.bytes || (a.bytes === b.bytes && a.slices.length < b.slices.length)
}

function bytesOf(slices: readonly Weighted[]): number {
  return slices.reduce((sum, slice) => sum + slice.bytes, 0)
}

function cutAt(index: number, count: number, sizeBytes: number): number {
  return Math.floor((sizeBytes * index) / count)
}
