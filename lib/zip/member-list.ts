/** Members to be planned, of which there may be a million: each becomes an object only while it is looked at. */
import type { PlannedMember } from '../model/plan-data.ts'

/** Where a member lies in its archive, without its name. */
export interface MemberSpan {
  /** Offset of the local header in the file, a prefix counted. */
  readonly headerOffset: number
  /** Header and data end before this: where the next member or the directory begins, or the farthest they can reach. Too little for them when members overlap. */
  readonly endOffset: number
  readonly compressedBytes: number
  readonly inflatedBytes: number
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

/** The indexes of members in the order of their offsets, in which most writers list them anyway. */
export function indexesByOffset(offsets: Float64Array, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  for (let index = 1; index < count; index++)
    if ((offsets[index] as number) < (offsets[index - 1] as number))
      return order.sort((a, b) => (offsets[a] as number) - (offsets[b] as number) || a - b)
  return order
}

/** Members that are objects already. */
export function listOfMembers(members: readonly PlannableMember[]): MemberList {
  const get = (index: number): PlannableMember => members[index] as PlannableMember
  return { length: members.length, get, span: get }
}

/** Some members of a list, by their indexes there. */
export function pickMembers(list: Pick<MemberList, 'get' | 'span'>, indexes: ArrayLike<number>): MemberList {
  return {
    length: indexes.length,
    get: index => list.get(indexes[index] as number),
    span: index => list.span(indexes[index] as number),
  }
}

/** Each member of a list in turn. */
export function* membersOf(list: MemberList): Generator<PlannableMember> {
  for (let index = 0; index < list.length; index++) yield list.get(index)
}

/** The sum of a number of each member. */
export function sumOfSpans(list: MemberList, numberOf: (span: MemberSpan) => number): number {
  let sum = 0
  for (let index = 0; index < list.length; index++) sum += numberOf(list.span(index))
  return sum
}
