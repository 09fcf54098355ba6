/** Opens an archive: reads its directory and those of archives within it, and selects the members that a source reads and those that it skips. */

import { archiveKind } from '../../archive/archive-kind.ts'
import type { ZipMembersSource } from '../../define/definition.ts'
import type { SkippedMember } from '../../model/outcome/skipped-member.ts'
import type { StoredObject } from '../../store/store.ts'
import { countMembers } from '../../zip/limits.ts'
import { joinLists, type MemberList } from '../../zip/member-list.ts'
import type { FindOptions } from '../find-options.ts'
import { contentHash } from '../identity/fingerprint.ts'
import type { OpenInput } from '../open-input.ts'
import { openNested } from './open-nested.ts'
import { type SkippedList, selectEntries } from './select-entries.ts'

/** An archive with the members that a source selects. */
export interface OpenArchive extends OpenInput {
  readonly members: MemberList
  readonly skipped: SkippedList
}

/** Opens an archive. Memory: the directory as columns of numbers. @throws ZIP_*, TAR_*, INPUT_INVALID, except for members that the source skips */
export async function openArchive(
  source: ZipMembersSource,
  object: StoredObject,
  options: Pick<FindOptions, 'input' | 'identify' | 'signal'>,
): Promise<OpenArchive> {
  const { key, sizeBytes, etag } = object
  const { limits } = source
  const { input: store, signal, identify = each => contentHash(store, each) } = options
  const { table, identity = await identify(object) } = await archiveKind(key).list(store, object, { limits, signal })
  const input = { key, sizeBytes, etag, identity }
  const place = { source, key, countMember: countMembers(limits, key) }
  const outermost = selectEntries(table, place)
  const nested = await openNested(outermost.archives, { ...place, store, input, signal })
  const all = [outermost, ...nested]
  return {
    input,
    members: joinLists(all.map(({ members }) => members)),
    skipped: joinSkipped(all.map(({ skipped }) => skipped)),
  }
}

function joinSkipped(lists: readonly SkippedList[]): SkippedList {
  const filled = lists.filter(({ length }) => length > 0)
  const [only = { length: 0, get: () => undefined as never }] = filled
  if (filled.length < 2) return only
  const all = filled.flatMap(list => Array.from({ length: list.length }, (_, index) => list.get(index)))
  return { length: all.length, get: index => all[index] as SkippedMember }
}
