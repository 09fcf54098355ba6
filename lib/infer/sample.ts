/** Chooses the texts of an archive, of files or of a plan that are sampled. */
import { archiveKind } from '../archive/archive-kind.ts'
import { zipLimits } from '../define/source.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestHint, nearestToGlob } from '../errors/nearest.ts'
import { withoutCompression } from '../inflate/compression.ts'
import { inflateFile } from '../inflate/file.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import { spread } from '../inputs/spread.ts'
import type { InputObject, PlannedMember } from '../model/plan-data.ts'
import { globMatcher } from '../paths/glob.ts'
import { openText } from '../stage/member-text.ts'
import type { Store } from '../store/store.ts'
import type { ZipEntry } from '../zip/entry-table.ts'
import { checkEntries, type ReadableEntry } from '../zip/limits.ts'
import { membersOfSlice } from '../zip/member-rows.ts'

/** A member or file whose beginning may be read. */
export interface SampleText {
  readonly name: string
  open(): AsyncIterable<Uint8Array>
}

export type TextKind = 'csv' | 'jsonLines' | 'parquet' | 'xlsx'

/** Returns the kind of a file by its name; CSV when the name does not show it. */
export function kindOf(name: string): TextKind {
  return knownKind(name) ?? 'csv'
}

/** Returns the kind of a file by its name; undefined when the name does not show it. */
export function knownKind(name: string): TextKind | undefined {
  const plain = withoutCompression(name)
  if (/\.(parquet|pq)$/i.test(plain)) return 'parquet'
  if (/\.xlsx$/i.test(plain)) return 'xlsx'
  if (/\.(jsonl|ndjson|json)$/i.test(plain)) return 'jsonLines'
  return /\.(csv|tsv|psv)$/i.test(plain) ? 'csv' : undefined
}

/** Returns the members that the glob matches; without one, those of the kind that has most bytes. @throws NO_INPUT, ZIP_* */
export async function archiveTexts(store: Store, input: InputObject, glob?: string): Promise<readonly SampleText[]> {
  const { key } = input
  const { isSequential, list: listMembers } = archiveKind(key)
  const { table } = await listMembers(store, input, { limits: zipLimits })
  const entries = Array.from({ length: table.length }, (_, index) => table.get(index))
  const matches = globMatcher(glob ?? '**/*')
  const files = entries.filter(entry => !entry.isDirectory && matches(entry.name))
  if (files.length === 0) {
    const close = nearestToGlob(
      glob ?? '',
      entries.map(entry => entry.name),
    )
    throw new PermanentError('NO_INPUT', `no member of ${key} matches ${glob ?? '**/*'}${nearestHint(close)}`, {
      key,
      glob,
      nearest: close,
    })
  }
  const chosen: readonly ZipEntry[] =
    glob === undefined ? largestKind(files) : files.filter(entry => kindOf(entry.name) === kindOf(files[0]?.name ?? ''))
  const filled = chosen.filter(entry => entry.inflatedBytes > 0 || chosen.length === 1)
  const list = isSequential ? filled.slice(0, sequentialMembersMax) : spread(filled, 1000)
  checkEntries(list, zipLimits, key)
  return (list as readonly ReadableEntry[]).map(member => memberText(store, input, member))
}

/** Members of a compressed archive that are sampled: all before each of them is inflated again. */
const sequentialMembersMax = 20

/** Returns the files, which are inflated where their names end like those of compressed files. */
export function fileTexts(store: Store, inputs: readonly InputObject[]): readonly SampleText[] {
  return inputs.map(input => ({ name: input.key, open: () => inflateFile(store, input) }))
}

/** Returns the members, or files, that a run would read. */
export function plannedTexts(store: Store, found: FoundInputs): readonly SampleText[] {
  const slices = found.cut(found.inputs)
  const members = slices.flatMap(slice =>
    membersOfSlice(slice).map(member => ({ member, input: found.inputs[slice.input] as InputObject })),
  )
  if (members.length === 0)
    return fileTexts(
      store,
      found.inputs.filter(input => input.sizeBytes > 0),
    )
  return members
    .filter(({ member }) => member.inflatedBytes > 0)
    .map(({ member, input }) => memberText(store, input, member))
}

function memberText(store: Store, input: InputObject, member: PlannedMember): SampleText {
  return { name: member.name, open: () => openText(store, input, member, { limits: zipLimits }) }
}

/** Returns the entries of the kind that has most bytes. Names without a known ending count only when there are no others: a readme is not data. */
function largestKind<Entry extends { readonly name: string; readonly inflatedBytes: number }>(
  entries: readonly Entry[],
): readonly Entry[] {
  const known = entries.filter(entry => knownKind(entry.name) !== undefined)
  const groups = [...Map.groupBy(known.length > 0 ? known : entries, entry => kindOf(entry.name)).values()]
  const bytesOf = (group: readonly Entry[]): number => group.reduce((sum, entry) => sum + entry.inflatedBytes, 0)
  return groups.reduce((largest, group) => (bytesOf(group) > bytesOf(largest) ? group : largest))
}
