/** Lists members to be planned. There may be a million of them, so each becomes an object only while it is used. */
import type { PlannedMember } from '../model/plan-data.ts'

/** The place of a member in its archive, without its name. */
export interface MemberSpan {
  /** Offset of the local header in the file, bytes before the archive included. */
  readonly headerOffset: number
  /** Offset before which header and data end: the next member, the directory, or the farthest that they can reach. Too low where members overlap. */
  readonly endOffset: number
  readonly compressedBytes: number
  readonly inflatedBytes: number
  /** Whether it is a member of a nested archive, whose place this is. */
  readonly isNested?: boolean
}

/** A member with the offset before which its header and data end. */
export interface PlannableMember extends PlannedMember {
  readonly endOffset: number
}

export interface MemberList {
  readonly length: number
  get(index: number): PlannableMember
  span(index: number): MemberSpan
}

/** Returns the indexes of members in the order of their offsets, which is the order of the list for most writers. */
export function indexesByOffset(offsets: Float64Array, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  for (let index = 1; index < count; index++)
    if ((offsets[index] as number) < (offsets[index - 1] as number))
      return order.sort((a, b) => (offsets[a] as number) - (offsets[b] as number) || a - b)
  return order
}

/** Returns a list of members that are objects already. */
export function listOfMembers(members: readonly PlannableMember[]): MemberList {
  const get = (index: number): PlannableMember => members[index] as PlannableMember
  return { length: members.length, get, span: index => spanOf(get(index)) }
}

/** Returns the place of a member: that of the outermost nested archive around it, where there is one. `endOffset` is in the input itself. */
export function spanOf(member: PlannableMember): MemberSpan {
  const { within, endOffset, compressedBytes, inflatedBytes } = member
  if (!within) return member
  return { headerOffset: within[0].headerOffset, endOffset, compressedBytes, inflatedBytes, isNested: true }
}

/** Returns one list of the members of several. */
export function joinLists(lists: readonly MemberList[]): MemberList {
  const [only] = lists
  if (only && lists.length === 1) return only
  const starts: number[] = []
  let length = 0
  for (const list of lists) {
    starts.push(length)
    length += list.length
  }
  const find = (index: number): [MemberList, number] => {
    let [low, high] = [0, lists.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] as number) <= index) low = middle
      else high = middle - 1
    }
    return [lists[low] as MemberList, index - (starts[low] as number)]
  }
  const call = <Result>(index: number, use: (list: MemberList, own: number) => Result): Result => use(...find(index))
  return {
    length,
    get: index => call(index, (list, own) => list.get(own)),
    span: index => call(index, (list, own) => list.span(own)),
  }
}

/** Returns the members of a list that have these indexes. */
export function pickMembers(list: Pick<MemberList, 'get' | 'span'>, indexes: ArrayLike<number>): MemberList {
  return {
    length: indexes.length,
    get: index => list.get(indexes[index] as number),
    span: index => list.span(indexes[index] as number),
  }
}

/** Yields the members of a list one after another. */
export function* membersOf(list: MemberList): Generator<PlannableMember> {
  for (let index = 0; index < list.length; index++) yield list.get(index)
}

/** Adds up a number of each member. */
export function sumOfSpans(list: MemberList, numberOf: (span: MemberSpan) => number): number {
  let sum = 0
  for (let index = 0; index < list.length; index++) sum += numberOf(list.span(index))
  return sum
}
