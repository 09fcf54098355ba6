/** Cuts the members of an archive into slices of nearly equal bytes, each served by one read. */

import type { MembersSlice, PlannedMember, StreamSlice } from '../../model/plan-data.ts'
import type { ByteRange } from '../../store/byte-range.ts'
import {
  indexesByOffset,
  listOfMembers,
  type MemberList,
  type MemberSpan,
  type PlannableMember,
  sumOfSpans,
} from '../../zip/member-list.ts'
import { packMembers } from '../../zip/member-rows.ts'
import { defaultSliceBytes, type RangeSlicesOptions, weightOf } from './plan-slices.ts'

export interface MemberSlicesOptions extends Omit<RangeSlicesOptions, 'sizeBytes'> {
  /** Unused bytes between members up to which one read covers both; default 256 KiB. */
  readonly gapBytes?: number
  /** Inflated (or compressed) bytes above which a member is streamed, in a slice of its own; default 64 MiB. */
  readonly streamBytes?: number
}

const mebibyte = 1024 * 1024
/** At 60 MB/s, reading 256 KiB takes 4 ms; another request takes longer. */
const defaultGapBytes = 256 * 1024
const defaultStreamBytes = 64 * mebibyte

/**
 * Cuts members in archive order into slices of nearly equal bytes; the members of a slice are adjacent, so that one read serves it.
 * A slice's range, and so the memory to read it, is at most `sliceBytes` and twice `streamBytes`. Its members are made on each
 * access, so that a million of them never exist at once.
 */
export function planMemberSlices(
  members: MemberList | readonly PlannableMember[],
  {
    input,
    firstSlice = 0,
    sliceBytes = defaultSliceBytes,
    gapBytes = defaultGapBytes,
    streamBytes = defaultStreamBytes,
  }: MemberSlicesOptions,
): readonly (MembersSlice | StreamSlice)[] {
  const sorted = new SortedMembers('get' in members ? members : listOfMembers(members))
  const rangeBytesMax = sliceBytes + streamBytes
  return adjacentGroups(sorted, { gapBytes, streamBytes })
    .flatMap(group => cutEvenly(sorted, group, sliceBytes))
    .flatMap(group => cutByRange(sorted, group, rangeBytesMax))
    .map((group, index) => toSlice(sorted, group, { slice: firstSlice + index, input, streamBytes }))
}

/** Returns one slice of all members, for an archive of `sizeBytes` that is inflated from its beginning. */
export function planWholeArchive(
  members: MemberList,
  { input, sizeBytes, firstSlice = 0 }: MemberSlicesOptions & { readonly sizeBytes: number },
): readonly MembersSlice[] {
  if (members.length === 0) return []
  const sorted = new SortedMembers(members)
  const group = { start: 0, end: sorted.length }
  const bytes = sumOfSpans(members, span => span.inflatedBytes)
  const range = { start: 0, end: sizeBytes }
  return [membersSlice(sorted, group, { slice: firstSlice, input, range, bytes })]
}

/** Gives members by their place in the archive. */
class SortedMembers {
  readonly length: number
  readonly #list: MemberList
  readonly #order: Uint32Array

  constructor(list: MemberList) {
    this.length = list.length
    this.#list = list
    const offsets = Float64Array.from({ length: list.length }, (_, index) => list.span(index).headerOffset)
    this.#order = indexesByOffset(offsets, list.length)
  }

  span(place: number): MemberSpan {
    return this.#list.span(this.#order[place] as number)
  }

  *between(start: number, end: number): Generator<PlannedMember> {
    for (let place = start; place < end; place++) yield this.#list.get(this.#order[place] as number)
  }

  get(place: number): PlannedMember {
    return plannedFields(this.#list.get(this.#order[place] as number))
  }
}

/** A range of neighbours by their places, the end exclusive. */
interface Group {
  readonly start: number
  readonly end: number
}

/** Groups members that one read could serve: with no wide gap between them, and none that is streamed. */
function adjacentGroups(
  sorted: SortedMembers,
  { gapBytes, streamBytes }: { readonly gapBytes: number; readonly streamBytes: number },
): readonly Group[] {
  let number = -1
  let last: MemberSpan | undefined
  return splitBy(sorted, { start: 0, end: sorted.length }, member => {
    const isAdjacent =
      last !== undefined &&
      member.headerOffset - last.endOffset <= gapBytes &&
      member.isNested === last.isNested &&
      !isStreamed(member, streamBytes) &&
      !isStreamed(last, streamBytes)
    if (!isAdjacent) number++
    last = member
    return number
  })
}

/** Whether a member is streamed; attackers may declare few inflated bytes for many compressed ones. */
function isStreamed({ inflatedBytes, compressedBytes }: MemberSpan, streamBytes: number): boolean {
  return Math.max(inflatedBytes, compressedBytes) > streamBytes
}

/** Cuts a group into the fewest groups of `sliceBytes`, at each member whose middle is past the even share. */
function cutEvenly(sorted: SortedMembers, group: Group, sliceBytes: number): readonly Group[] {
  let total = 0
  for (let place = group.start; place < group.end; place++)
    total += weightOf({ bytes: sorted.span(place).inflatedBytes, memberCount: 1 })
  const count = Math.ceil(total / sliceBytes)
  let before = 0
  let last: { readonly span: MemberSpan; readonly number: number } | undefined
  return splitBy(sorted, group, span => {
    const weight = weightOf({ bytes: span.inflatedBytes, memberCount: 1 })
    const middle = before + weight / 2
    before += weight
    const number = Math.min(count - 1, Math.floor((middle * count) / total))
    last = { span, number: last && isTogether(last.span, span) ? last.number : number }
    return last.number
  })
}

/** Whether members are of one nested archive, whose offset they have: read apart, each would inflate it again. */
const isTogether = (one: MemberSpan, other: MemberSpan): boolean =>
  one.isNested === true && one.headerOffset === other.headerOffset

/** Cuts a group so that no read is too large for memory, which gaps and members that inflate to less than they take could make it. */
function cutByRange(sorted: SortedMembers, group: Group, rangeBytesMax: number): readonly Group[] {
  let start = sorted.span(group.start).headerOffset
  let part = 0
  return splitBy(sorted, group, member => {
    if (member.endOffset - start > rangeBytesMax && member.headerOffset > start) {
      start = member.headerOffset
      part += 1
    }
    return part
  })
}

/** Splits a group between neighbours to which `numberOf` gives different numbers. */
function splitBy(
  sorted: SortedMembers,
  { start, end }: Group,
  numberOf: (member: MemberSpan) => number,
): readonly Group[] {
  const groups: Group[] = []
  let first = start
  let current: number | undefined
  for (let place = start; place < end; place++) {
    const number = numberOf(sorted.span(place))
    if (current !== undefined && number !== current) {
      groups.push({ start: first, end: place })
      first = place
    }
    current = number
  }
  if (end > first) groups.push({ start: first, end })
  return groups
}

function toSlice(
  sorted: SortedMembers,
  { start, end }: Group,
  { slice, input, streamBytes }: { readonly slice: number; readonly input: number; readonly streamBytes: number },
): MembersSlice | StreamSlice {
  let bytes = 0
  const range = { start: sorted.span(start).headerOffset, end: 0 } satisfies ByteRange
  for (let place = start; place < end; place++) {
    const { inflatedBytes, endOffset } = sorted.span(place)
    bytes += inflatedBytes
    range.end = Math.max(range.end, endOffset)
  }
  if (isStreamed(sorted.span(start), streamBytes))
    return { kind: 'stream', slice, input, member: sorted.get(start), bytes }
  return membersSlice(sorted, { start, end }, { slice, input, range, bytes })
}

function membersSlice(
  sorted: SortedMembers,
  { start, end }: Group,
  given: Pick<MembersSlice, 'slice' | 'input' | 'range' | 'bytes'>,
): MembersSlice {
  let isNested = false
  for (let place = start; place < end; place++) isNested ||= sorted.span(place).isNested === true
  return {
    kind: 'members',
    ...given,
    memberCount: end - start,
    ...(isNested && { isNested }),
    get members() {
      return packMembers(sorted.between(start, end))
    },
  }
}

/** Returns the fields of a member that plans keep; entries have more. */
export function plannedFields(member: PlannedMember): PlannedMember {
  const { name, headerOffset, compressedBytes, inflatedBytes, crc32, method, within } = member
  return { name, headerOffset, compressedBytes, inflatedBytes, crc32, method, ...(within && { within }) }
}
