/** Opens an archive: reads its directory, and selects the members that a source reads and those that it skips. */

import { archiveKind } from '../archive/archive-kind.ts'
import type { ZipMembersSource } from '../define/definition.ts'
import type { PermanentError } from '../errors/errors.ts'
import { type SkippedMember, skippedMember } from '../model/skipped-member.ts'
import { excludedGlob, globMatcher } from '../paths/glob.ts'
import type { StoredObject } from '../store/store.ts'
import type { EntryTable } from '../zip/entry-table.ts'
import { ArchiveTotals, entryFault } from '../zip/limits.ts'
import { type MemberList, type PlannableMember, pickMembers } from '../zip/member-list.ts'
import { contentHash } from './content-hash.ts'
import type { FindOptions } from './find-options.ts'
import type { OpenInput } from './open-input.ts'

/** An archive with the members that a source selects. */
export interface OpenArchive extends OpenInput {
  readonly members: MemberList
  readonly skipped: SkippedList
}

/** Members that the source skips; each is described on demand. */
export interface SkippedList {
  readonly length: number
  get(index: number): SkippedMember
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
  const { usable, faulty } = selectEntries(table, source, key)
  return {
    input: { key, sizeBytes, etag, identity },
    members: pickMembers({ get: index => readable(table, index), span: index => table.span(index) }, usable),
    skipped: {
      length: faulty.length,
      get: index => skippedMember(entryFault(table.get(faulty[index] as number), limits, key) as PermanentError),
    },
  }
}

/** Returns a usable entry; its method is 0 or 8, because it has no fault. */
const readable = (table: EntryTable, index: number): PlannableMember => table.get(index) as unknown as PlannableMember

interface Selection {
  readonly usable: Uint32Array
  readonly faulty: Uint32Array
}

/** Tells usable entries from faulty ones. @throws the first member's fault, where the source does not skip it; ZIP_LIMIT for all together */
function selectEntries(table: EntryTable, source: ZipMembersSource, key: string): Selection {
  const matches = memberMatcher(source)
  const usable = new Uint32Array(table.length)
  const faulty: number[] = []
  const totals = new ArchiveTotals(source.limits, key)
  let count = 0
  for (let index = 0; index < table.length; index++) {
    if (table.isDirectory(index) || !matches(table.name(index))) continue
    const entry = table.get(index)
    const fault = entryFault(entry, source.limits, key)
    if (fault && source.onBadMember === 'fail') throw fault
    if (fault) faulty.push(index)
    else {
      totals.add(entry)
      usable[count++] = index
    }
  }
  return { usable: usable.subarray(0, count), faulty: Uint32Array.from(faulty) }
}

/** Returns a test of member names. Hidden files match when members are extracted, but not when they are read as text. */
function memberMatcher({ format, members }: ZipMembersSource): (name: string) => boolean {
  if (format !== undefined) return globMatcher(members)
  const excluded = excludedGlob(members)
  if (excluded === undefined) return members === '**' ? () => true : globMatcher(members)
  const isExcluded = globMatcher(excluded)
  return name => !isExcluded(name)
}
