/** Chooses the texts of an archive, of files or of a plan that are sampled. */
import { archiveKind, hasArchiveName } from '../../archive/archive-kind.ts'
import { csv } from '../../define/formats/format.ts'
import { zipLimits, zipMembers } from '../../define/sources/source.ts'
import { PermanentError } from '../../errors/errors.ts'
import { nearestHint, nearestToGlob } from '../../errors/nearest.ts'
import { withoutCompression } from '../../inflate/compression.ts'
import { inflateFile } from '../../inflate/file.ts'
import { openArchive } from '../../inputs/archives/open-archive.ts'
import type { FoundInputs } from '../../inputs/find-inputs.ts'
import { spread } from '../../inputs/slices/spread.ts'
import type { InputObject, PlannedMember } from '../../model/plan-data.ts'
import { globMatcher } from '../../paths/glob.ts'
import { openText } from '../../stage/member-text.ts'
import type { Store } from '../../store/store.ts'
import type { ZipEntry } from '../../zip/entry-table.ts'
import { checkEntries } from '../../zip/limits.ts'
import { membersOfSlice } from '../../zip/member-rows.ts'

/** A member or file whose beginning may be read. */
export interface SampleText {
  readonly name: string
  open(): AsyncIterable<Uint8Array>
  /** Returns the lines that a rewritten text lacks, as far as it was read: see `ChunkFilter`. */
  gaps?(): readonly number[] | undefined
}

/** Kinds that names show: whether JSON is lines or documents, only the text does. */
export type NamedKind = 'avro' | 'csv' | 'json' | 'parquet' | 'xlsx' | 'xml'

/** Returns the kind of a file by its name; undefined when the name does not show it. */
export function namedKind(name: string): NamedKind | undefined {
  const plain = withoutCompression(name)
  if (/\.(parquet|pq)$/i.test(plain)) return 'parquet'
  if (/\.avro$/i.test(plain)) return 'avro'
  if (/\.xlsx$/i.test(plain)) return 'xlsx'
  if (/\.(jsonl|ndjson|json|geojson)$/i.test(plain)) return 'json'
  if (/\.xml$/i.test(plain)) return 'xml'
  return /\.(csv|tsv|psv)$/i.test(plain) ? 'csv' : undefined
}

/** Texts that may be sampled. */
export interface SampleTexts {
  readonly texts: readonly SampleText[]
  /** Whether they are members of archives within the archive. */
  readonly isNested: boolean
  /** Remarks on what is not sampled. Default none. */
  readonly notes?: readonly string[]
}

/**
 * Returns the members that the glob matches; without one, those of the kind that has most bytes. Archives within the archive are read
 * where they have most bytes, or where the glob matches nothing else. @throws NO_INPUT, ZIP_*, TAR_*
 */
export async function archiveTexts(store: Store, input: InputObject, glob?: string): Promise<SampleTexts> {
  const { isSequential, list: listMembers } = archiveKind(input.key)
  const { table } = await listMembers(store, input, { limits: zipLimits })
  const entries = Array.from({ length: table.length }, (_, index) => table.get(index))
  const outermost = chooseMembers(entries, glob)
  const archives = entries.filter(isInnerArchive)
  const isNested =
    archives.length > 0 && (glob === undefined ? outermost.every(isInnerArchive) : outermost.length === 0)
  const chosen = isNested ? chooseMembers(await membersWithin(store, input, glob), glob) : outermost
  if (chosen.length === 0) throw noMembers(input, entries, glob)
  const filled = chosen.filter(entry => entry.inflatedBytes > 0 || chosen.length === 1)
  const list = isSequential || isNested ? filled.slice(0, sequentialMembersMax) : spread(filled, 1000)
  if (!isNested) checkEntries(list as readonly ZipEntry[], zipLimits, input.key)
  return { texts: (list as readonly PlannedMember[]).map(member => memberText(store, input, member)), isNested }
}

/** The part of an entry by which members are chosen. */
type NamedEntry = Pick<ZipEntry, 'name' | 'inflatedBytes'> & { readonly isDirectory?: boolean }

function chooseMembers<Entry extends NamedEntry>(
  entries: readonly Entry[],
  glob: string | undefined,
): readonly Entry[] {
  const matches = globMatcher(glob ?? '**/*')
  const files = entries.filter(entry => !entry.isDirectory && matches(entry.name))
  if (glob === undefined) return files.length === 0 ? [] : largestKind(files)
  const kind = ({ name }: Pick<Entry, 'name'>): NamedKind => namedKind(name) ?? 'csv'
  return files.filter(entry => kind(entry) === kind(files[0] as Entry))
}

const isInnerArchive = ({ name }: NamedEntry): boolean => hasArchiveName(name)

/** Returns the members of an archive and of those within it, each with its whole path. */
async function membersWithin(store: Store, object: InputObject, glob = '**/*'): Promise<readonly PlannedMember[]> {
  const source = zipMembers({ paths: '*', members: glob, nested: true, format: csv() })
  const { members } = await openArchive(source, object, { input: store, identify: async () => object.identity })
  return Array.from({ length: members.length }, (_, index) => members.get(index))
}

function noMembers({ key }: InputObject, entries: readonly NamedEntry[], glob: string | undefined): PermanentError {
  const names = entries.map(({ name }) => name)
  const close = nearestToGlob(glob ?? '', names)
  const message = `no member of ${key} matches ${glob ?? '**/*'}${nearestHint(close)}`
  return new PermanentError('NO_INPUT', message, { key, glob, nearest: close })
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

/**
 * Returns the entries of the kind that has most bytes, by their names; archives are a kind. Names without a known ending count only when there are no
 * others: a readme is not data.
 */
export function largestKind<Entry extends NamedEntry>(entries: readonly Entry[]): readonly Entry[] {
  const kind = (entry: Entry): string | undefined => (isInnerArchive(entry) ? 'archive' : namedKind(entry.name))
  const known = entries.filter(entry => kind(entry) !== undefined)
  const groups = [...Map.groupBy(known.length > 0 ? known : entries, kind).values()]
  const bytesOf = (group: readonly Entry[]): number => group.reduce((sum, entry) => sum + entry.inflatedBytes, 0)
  return groups.reduce((largest, group) => (bytesOf(group) > bytesOf(largest) ? group : largest))
}
