/** Opens the archives within an archive, and those within them. */
import { nestedKind } from '../../archive/nested-kind.ts'
import { openMember, openMembers } from '../../archive/read-nested.ts'
import { PermanentError } from '../../errors/errors.ts'
import { placeOf } from '../../model/member-place.ts'
import type { InputObject, PlannedMember } from '../../model/plan-data.ts'
import type { Reader } from '../../store/store.ts'
import type { PlannableMember } from '../../zip/member-list.ts'
import { type Selection, type SelectionPlace, selectEntries } from './select-entries.ts'

export interface NestedPlace extends SelectionPlace {
  readonly store: Reader
  readonly input: InputObject
  readonly signal?: AbortSignal | undefined
}

/**
 * Returns what a source reads of archives within an archive, and of those within them, each read to its end so that a damaged one is
 * refused before any row is read. The input is read once for each level of archives. Memory: 16 MiB and the tables of entries.
 * @throws ZIP_*, TAR_*, INPUT_INVALID, except for archives and members that the source skips
 */
export async function openNested(archives: readonly PlannableMember[], place: NestedPlace): Promise<Selection[]> {
  const { store, input, signal } = place
  const options = { limits: place.source.limits, ...(signal && { signal }) }
  const found: Selection[] = []
  for (let level = archives; level.length > 0; ) {
    const byPlace = new Map(level.map(archive => [offsetsOf(archive), archive]))
    const next: PlannableMember[] = []
    for await (const { member, chunks } of openMembers(store, input, level, options)) {
      const archive = byPlace.get(offsetsOf(member)) as PlannableMember
      const selection = await listArchive(archive, chunks, place)
      found.push(selection)
      for (const each of selection.archives) next.push(each)
    }
    level = next
  }
  return found
}

/** Tells archives apart: those of one archive may have one name. */
const offsetsOf = ({ within, headerOffset }: PlannedMember): string =>
  [...(within?.map(around => around.headerOffset) ?? []), headerOffset].join('/')

async function listArchive(
  around: PlannableMember,
  chunks: AsyncIterable<Uint8Array>,
  place: NestedPlace,
): Promise<Selection> {
  const { store, input, source, signal } = place
  const { limits } = source
  const key = placeOf({ archive: input.key, member: around.name })
  const open = () => openMember(store, input, around, { limits, ...(signal && { signal }) })
  try {
    const archive = { key, sizeBytes: around.inflatedBytes, open }
    const table = await nestedKind(around.name).list(chunks, archive, { limits, signal })
    return selectEntries(table, { ...place, around })
  } catch (error) {
    if (source.onBadMember === 'fail' || !(error instanceof PermanentError)) throw error
    const { code, message } = error
    const skipped = { archive: input.key, member: around.name, code, message }
    return { members: nothing, skipped: { length: 1, get: () => skipped }, archives: [] }
  }
}

const missing = (): never => {
  throw new RangeError('a list without members has none')
}
const nothing = { length: 0, get: missing, span: missing }
