/** Selects the entries of an archive, or of one within it, that a source reads, those that it skips, and the archives that it opens. */
import { hasArchiveName } from '../../archive/archive-kind.ts'
import type { ZipMembersSource } from '../../define/definition.ts'
import type { PermanentError } from '../../errors/errors.ts'
import { type SkippedMember, skippedMember } from '../../model/outcome/skipped-member.ts'
import type { PlannedMember } from '../../model/plan-data.ts'
import { excludedGlob, folderMatcher, globMatcher } from '../../paths/glob.ts'
import type { EntryTable, ZipEntry } from '../../zip/entry-table.ts'
import { type CountMember, entryFault } from '../../zip/limits.ts'
import { memberError } from '../../zip/local-header.ts'
import { type MemberList, type MemberSpan, type PlannableMember, pickMembers } from '../../zip/member-list.ts'

/** Members that the source skips; each is described on demand. */
export interface SkippedList {
  readonly length: number
  get(index: number): SkippedMember
}

export interface Selection {
  readonly members: MemberList
  readonly skipped: SkippedList
  /** The archives among the entries, where the source opens them. */
  readonly archives: readonly PlannableMember[]
}

export interface SelectionPlace {
  readonly source: ZipMembersSource
  /** Key of the archive that is the input. */
  readonly key: string
  readonly countMember: CountMember
  /** The nested archive whose entries these are. */
  readonly around?: PlannableMember
}

/** Tells usable entries from faulty ones. @throws the first member's fault, where the source does not skip it; ZIP_LIMIT for all together */
export function selectEntries(table: EntryTable, place: SelectionPlace): Selection {
  const { source, countMember } = place
  const [matches, isOpened] = [memberMatcher(source), archiveMatcher(source)]
  const entries = entriesWithin(table, place.around)
  const usable = new Uint32Array(table.length)
  const faulty: number[] = []
  const archives: PlannableMember[] = []
  let count = 0
  const faultAt = (index: number): PermanentError | undefined => faultOf(entries.get(index), place, isOpened)
  for (let index = 0; index < table.length; index++) {
    const name = entries.name(index)
    if (table.isDirectory(index) || (!isOpened(name) && !matches(name))) continue
    const fault = faultAt(index)
    if (fault && source.onBadMember === 'fail') throw fault
    if (fault) faulty.push(index)
    else {
      countMember(table.span(index))
      if (isOpened(name)) archives.push(entries.plannable(index))
      else usable[count++] = index
    }
  }
  return {
    members: pickMembers({ get: entries.plannable, span: entries.span }, usable.subarray(0, count)),
    skipped: {
      length: faulty.length,
      get: index => skippedMember(faultAt(faulty[index] as number) as PermanentError),
    },
    archives,
  }
}

/** Gives entries with their names and places in the archives around them. A usable one has the method 0 or 8. */
function entriesWithin(table: EntryTable, around: PlannableMember | undefined) {
  const usable = (index: number) => table.get(index) as ZipEntry & PlannedMember
  if (!around) {
    const name = (index: number) => table.name(index)
    return { name, get: usable, plannable: usable, span: (index: number) => table.span(index) }
  }
  const { endOffset, within: outer = [], ...archive } = around
  const within = [...outer, archive] as unknown as NonNullable<PlannedMember['within']>
  const name = (index: number): string => `${around.name}/${table.name(index)}`
  const get = (index: number) => ({ ...usable(index), name: name(index), within })
  const place = { headerOffset: within[0].headerOffset, endOffset, isNested: true }
  return {
    name,
    get,
    plannable: (index: number): PlannableMember => ({ ...get(index), endOffset }),
    span: (index: number): MemberSpan => ({ ...table.span(index), ...place }),
  }
}

function faultOf(
  entry: ZipEntry & PlannedMember,
  { source, key }: SelectionPlace,
  isOpened: (name: string) => boolean,
): PermanentError | undefined {
  const { depthMax } = source.limits
  const depth = entry.within?.length ?? 0
  if (depth < depthMax || !isOpened(entry.name)) return entryFault(entry, source.limits, key)
  const what = `expected archives at most ${depthMax} deep within an archive, got one more; raise limits.depthMax if the archive is trusted`
  return memberError('ZIP_LIMIT', { archive: key, member: entry }, what, { depthMax })
}

/**
 * Returns a test of the names of members that are opened as archives: those that the glob does not exclude, and that can hold a match.
 * Hidden files are none, whatever their names.
 */
function archiveMatcher({ nested, members }: ZipMembersSource): (name: string) => boolean {
  if (!nested) return () => false
  const [isData, canHold] = [globMatcher('**'), folderMatcher(members)]
  return name => hasArchiveName(name) && isData(name) && canHold(name)
}

/** Returns a test of member names. Hidden files match when members are extracted, but not when they are read as text. */
function memberMatcher({ format, members }: ZipMembersSource): (name: string) => boolean {
  if (format !== undefined) return globMatcher(members)
  const excluded = excludedGlob(members)
  if (excluded === undefined) return members === '**' ? () => true : globMatcher(members)
  const isExcluded = globMatcher(excluded)
  return name => !isExcluded(name)
}
