/** How the members of a source are read: which may be skipped, and how large they may be. */
import type { Source, ZipMembersSource } from '../definition.ts'

export interface MemberPolicy {
  readonly onBadMember: ZipMembersSource['onBadMember']
  readonly limits: { readonly memberBytesMax: number }
}

/** Returns the policy of archives; files have no limit, and a bad one fails the run. */
export const memberPolicy = (source: Source): MemberPolicy => (source.kind === 'zipMembers' ? source : noArchives)

const noArchives: MemberPolicy = { onBadMember: 'fail', limits: { memberBytesMax: Number.MAX_SAFE_INTEGER } }
