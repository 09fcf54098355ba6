/** Writes a slice's members as text, so that a million of them pass through files and threads without a million objects. */
import { PermanentError } from '../errors/errors.ts'
import type { MembersSlice, PlannedMember, Slice } from '../model/plan-data.ts'

type MemberRow = readonly [...OwnRow] | readonly [...OwnRow, readonly OwnRow[] | typeof asBefore]
type OwnRow = readonly [string, number, number, number, number, 0 | 8]

/** Stands for the nested archives around a member, where they are those of the member before. */
const asBefore = 1

/** Returns JSON with one array for each member. */
export function packMembers(members: Iterable<PlannedMember>): string {
  const rows: string[] = []
  let before: PlannedMember['within']
  for (const member of members) {
    const { within } = member
    const row: MemberRow = within
      ? [...ownRow(member), within === before ? asBefore : within.map(ownRow)]
      : ownRow(member)
    rows.push(JSON.stringify(row))
    before = within
  }
  return `[${rows.join(',')}]`
}

const ownRow = ({ name, headerOffset, compressedBytes, inflatedBytes, crc32, method }: PlannedMember): OwnRow => [
  name,
  headerOffset,
  compressedBytes,
  inflatedBytes,
  crc32,
  method,
]

/** Whether a slice has a member of this name; searches the text alone. */
export function hasMember({ members }: MembersSlice, name: string): boolean {
  return members.includes(`[${JSON.stringify(name)},`)
}

/** Returns the members of a slice as objects, for as long as the slice is processed. @throws STATE_INVALID */
export function unpackMembers({ slice, members, memberCount }: MembersSlice): readonly PlannedMember[] {
  const rows = JSON.parse(members) as readonly MemberRow[]
  if (rows.length !== memberCount)
    throw new PermanentError('STATE_INVALID', `slice ${slice}: expected ${memberCount} members, got ${rows.length}`)
  let within: PlannedMember['within']
  return rows.map(row => {
    const around = row[6]
    if (around !== asBefore) within = around?.map(ownMember) as PlannedMember['within']
    const member = ownMember(row)
    return within ? { ...member, within } : member
  })
}

const ownMember = ([name, headerOffset, compressedBytes, inflatedBytes, crc32, method]:
  | OwnRow
  | MemberRow): PlannedMember => ({ name, headerOffset, compressedBytes, inflatedBytes, crc32, method })

/** Returns the members of any slice: none for one that is not of an archive. @throws STATE_INVALID */
export function membersOfSlice(slice: Slice): readonly PlannedMember[] {
  if (slice.kind === 'members') return unpackMembers(slice)
  return slice.kind === 'stream' && slice.member ? [slice.member] : []
}
