/** Cuts inputs into slices by bytes, and packs slices into batches and shares that end together. */
import type { ByteRange } from './byte-range.ts'
import type { MembersSlice, PlannedMember, RangeSlice, Slice, StreamSlice } from './plan-data.ts'

/** A member with the offset before which its header and data end (ZipEntry.endOffset). */
export interface PlannableMember extends PlannedMember {
  readonly endOffset: number
}

export interface MemberSlicesOptions {
  /** Index of the archive among the run's inputs. */
  readonly input: number
  /** Number of the first slice; the others follow. Default 0. */
  readonly firstSlice?: number
  /** Inflated bytes of a slice come near this; default 32 MiB. */
  readonly sliceBytes?: number
  /** Unused bytes between members that are read through rather than asked for around; default 256 KiB. */
  readonly gapBytes?: number
  /** A member of more inflated (or compressed) bytes is streamed, alone; default 64 MiB. */
  readonly streamBytes?: number
}

export interface RangeSlicesOptions {
  readonly input: number
  readonly sizeBytes: number
  readonly firstSlice?: number
  readonly sliceBytes?: number
}

const mebibyte = 1024 * 1024
/** Seen to be best between 16 and 32 MB: fewer reads against balance and memory. */
const defaultSliceBytes = 32 * mebibyte
/** At 60 MB/s, 256 KiB take 4 ms to read through; another request takes longer. */
const defaultGapBytes = 256 * 1024
const defaultStreamBytes = 64 * mebibyte
/** What a member costs beside its bytes, in bytes: 100,000 tiny members are work too. */
const memberWeightBytes = 2048

/**
 * Members in archive order, adjacent ones together so that one read serves a slice, slices of nearly equal bytes.
 * A slice's range, and so the memory to read it, is at most `sliceBytes` and twice `streamBytes`.
 */
export function planMemberSlices(
  members: readonly PlannableMember[],
  {
    input,
    firstSlice = 0,
    sliceBytes = defaultSliceBytes,
    gapBytes = defaultGapBytes,
    streamBytes = defaultStreamBytes,
  }: MemberSlicesOptions,
): readonly (MembersSlice | StreamSlice)[] {
  const sorted = members.toSorted((a, b) => a.headerOffset - b.headerOffset)
  const rangeBytesMax = sliceBytes + streamBytes
  return runsOf(sorted, { gapBytes, streamBytes })
    .flatMap(run => cutEvenly(run, sliceBytes))
    .flatMap(group => cutByRange(group, rangeBytesMax))
    .map((group, index) => toSlice(group, { slice: firstSlice + index, input, streamBytes }))
}

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
    const bytes = Math.max(slice.bytes, requestBytes)
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

type Weighted = Pick<Slice, 'slice' | 'bytes'> & Partial<Pick<Slice, 'kind' | 'input'>>

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

type Group = readonly [PlannableMember, ...PlannableMember[]]

/** Members that one read could serve: no wide gap between them, none that is streamed. */
function runsOf(
  sorted: readonly PlannableMember[],
  { gapBytes, streamBytes }: { readonly gapBytes: number; readonly streamBytes: number },
): readonly Group[] {
  const runs: [PlannableMember, ...PlannableMember[]][] = []
  for (const member of sorted) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    const isAdjacent =
      last !== undefined &&
      member.headerOffset - last.endOffset <= gapBytes &&
      !isStreamed(member, streamBytes) &&
      !isStreamed(last, streamBytes)
    if (isAdjacent) run?.push(member)
    else runs.push([member])
  }
  return runs
}

/** Attackers may declare few inflated bytes for many compressed ones. */
function isStreamed({ inflatedBytes, compressedBytes }: PlannedMember, streamBytes: number): boolean {
  return Math.max(inflatedBytes, compressedBytes) > streamBytes
}

/** In as few groups as hold `sliceBytes` each, cut at the member whose middle is past the even share. */
function cutEvenly(run: Group, sliceBytes: number): readonly Group[] {
  const total = run.reduce((sum, member) => sum + weightOf(member), 0)
  const count = Math.ceil(total / sliceBytes)
  let before = 0
  return splitBy(run, member => {
    const middle = before + weightOf(member) / 2
    before += weightOf(member)
    return Math.min(count - 1, Math.floor((middle * count) / total))
  })
}

/** Gaps that are read through, and members that inflate to less than they take, must not make a read too large to hold. */
function cutByRange(group: Group, rangeBytesMax: number): readonly Group[] {
  let start = group[0].headerOffset
  let part = 0
  return splitBy(group, member => {
    if (member.endOffset - start > rangeBytesMax && member.headerOffset > start) {
      start = member.headerOffset
      part += 1
    }
    return part
  })
}

/** Neighbours with the same number stay together. */
function splitBy(members: Group, numberOf: (member: PlannableMember) => number): readonly Group[] {
  const groups: [PlannableMember, ...PlannableMember[]][] = []
  let current = -1
  for (const member of members) {
    const number = numberOf(member)
    if (number === current) groups.at(-1)?.push(member)
    else groups.push([member])
    current = number
  }
  return groups
}

function weightOf({ inflatedBytes }: PlannedMember): number {
  return inflatedBytes + memberWeightBytes
}

function toSlice(
  group: Group,
  { slice, input, streamBytes }: { readonly slice: number; readonly input: number; readonly streamBytes: number },
): MembersSlice | StreamSlice {
  const bytes = group.reduce((sum, member) => sum + member.inflatedBytes, 0)
  const members = group.map(planned)
  const [first] = members
  if (first && isStreamed(group[0], streamBytes)) return { kind: 'stream', slice, input, member: first, bytes }
  return { kind: 'members', slice, input, range: rangeOf(group), members, bytes }
}

function rangeOf(group: Group): ByteRange {
  return { start: group[0].headerOffset, end: group.reduce((end, member) => Math.max(end, member.endOffset), 0) }
}

/** Only what the plan keeps: entries carry more. */
function planned({ name, headerOffset, compressedBytes, inflatedBytes, crc32, method }: PlannedMember): PlannedMember {
  return { name, headerOffset, compressedBytes, inflatedBytes, crc32, method }
}
