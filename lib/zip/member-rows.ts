/** Writes a slice's members as text, so that a million of them pass through files and threads without a million objects. */
import { PermanentError } from '../errors/errors.ts'
import type { MembersSlice, PlannedMember, Slice } from '../model/plan-data.ts'

type MemberRow = readonly [string, number, number, number, number, 0 | 8]

/** Returns JSON with one array for each member. */
export function packMembers(members: Iterable<PlannedMember>): string {
  const rows: string[] = []
  for (const { name, headerOffset, compressedBytes, inflatedBytes, crc32, method } of members) {
    const row: MemberRow = [name, headerOffset, compressedBytes, inflatedBytes, crc32, method]
    rows.push(JSON.stringify(row))
  }
  return `[${rows.join(',')}]`
}

/** Whether a slice has a member of this name; searches the text alone. */
export function hasMember({ members }: MembersSlice, name: string): boolean {
  return members.includes(`[${JSON.stringify(name)},`)
}

/** Returns the members of a slice as objects, for as long as the slice is processed. @throws STATE_INVALID */
export function unpackMembers({ slice, members, memberCount }: MembersSlice): readonly PlannedMember[] {
  const rows = JSON.parse(members) as readonly MemberRow[]
  if (rows.length !== memberCount)
    throw new PermanentError('STATE_INVALID', `slice ${slice}: expected ${memberCount} members, got ${rows.length}`)
  return rows.map(([name, headerOffset, compressedBytes, inflatedBytes, crc32, method]) => {
    return { name, headerOffset, compressedBytes, inflatedBytes, crc32, method }
  })
}

/** Returns the members of any slice: none for one that is not of an archive. @throws STATE_INVALID */
export function membersOfSlice(slice: Slice): readonly PlannedMember[] {
  if (slice.kind === 'members') return unpackMembers(slice)
  return slice.kind === 'stream' && slice.member ? [slice.member] : []
}
