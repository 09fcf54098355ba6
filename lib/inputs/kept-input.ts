/** Converts opened inputs to plain data, which is kept between two calls of plan, and back. */

import type { SkippedMember } from '../model/outcome/skipped-member.ts'
import type { InputObject } from '../model/plan-data.ts'
import { listOfMembers, membersOf, type PlannableMember } from '../zip/member-list.ts'
import type { OpenArchive } from './archives/open-archive.ts'
import type { OpenInput } from './open-input.ts'
import { plannedFields } from './slices/member-slices.ts'

export interface KeptInput {
  readonly input: InputObject
  /** The selected members of an archive; absent for a file. */
  readonly members?: readonly PlannableMember[]
  readonly skipped?: readonly SkippedMember[]
}

export function keepInput(opened: OpenInput | OpenArchive): KeptInput {
  if (!('members' in opened)) return { input: opened.input }
  const { input, members, skipped } = opened
  return {
    input,
    members: Array.from(membersOf(members), member => ({ ...plannedFields(member), endOffset: member.endOffset })),
    skipped: Array.from({ length: skipped.length }, (_, index) => skipped.get(index)),
  }
}

export function takeInput({ input, members, skipped = [] }: KeptInput): OpenInput | OpenArchive {
  if (!members) return { input }
  const get = (index: number): SkippedMember => skipped[index] as SkippedMember
  return { input, members: listOfMembers(members), skipped: { length: skipped.length, get } }
}
