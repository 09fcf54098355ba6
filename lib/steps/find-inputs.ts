/** Finds a task's inputs under the input root, pins them, and cuts them into slices. */
import { compressionOf } from '../core/compression.ts'
import { FanmillError, PermanentError, TransientError } from '../core/errors.ts'
import { createFingerprint } from '../core/fingerprint.ts'
import { globMatcher } from '../core/glob.ts'
import { hiveColumns } from '../core/hive-columns.ts'
import { nearestToGlob } from '../core/nearest.ts'
import { literalPrefix, templateGlob } from '../core/path-template.ts'
import type { InputObject, Slice } from '../core/plan-data.ts'
import { type PlannableMember, planMemberSlices, planRangeSlices } from '../core/plan-slices.ts'
import { ReusedBuffer } from '../core/reused-buffer.ts'
import { sortInputs } from '../core/run-identity.ts'
import { spread } from '../core/spread.ts'
import { type Store, type StoredObject, smallFileBytes } from '../core/store.ts'
import { readZipDirectory, type ZipEntry } from '../core/zip-directory.ts'
import { checkEntries, entryFault, type ReadableEntry } from '../core/zip-limits.ts'
import { checkExtractable } from '../core/zip-names.ts'
import type { FilesSource, ParamValues, Source, TaskDefinition, ZipMembersSource } from '../define/definition.ts'
import { candidateKeys } from './candidate-keys.ts'
import { forEachParallel } from './state-files.ts'

export interface FindOptions {
  readonly input: Store
  /** Where the output is `memberFiles`, names are checked too. */
  readonly task: Pick<TaskDefinition, 'name' | 'source' | 'params' | 'onEmpty'> &
    Partial<Pick<TaskDefinition, 'output' | 'columns'>>
  readonly params: ParamValues
  /** Only some of the members, or of the files where there are no members: a count, or a share of them. */
  readonly sample?: number | `${number}%`
  /** Threads that are to have work each; small inputs are cut smaller for them. Default 1. */
  readonly threads?: number
  /** Text that a thread may hold at once: less makes smaller slices, and smaller files are cut or streamed. Default 96 MiB. */
  readonly textBytes?: number
  /** A content hash that this machine remembers, for a store that has no checksums; default reads the object. */
  identify?(object: StoredObject): Promise<string>
  /** Inputs that an earlier call with the same source opened, by key; one that changed since is opened again. */
  readonly opened?: ReadonlyMap<string, OpenInput>
  /** Hears of each input as it is opened. */
  onOpen?(input: OpenInput): void
  readonly signal?: AbortSignal
}

/** What a run is going to read. */
export interface FoundInputs {
  readonly inputs: readonly InputObject[]
  /** Slices of some of the inputs, numbered as given: an append leaves out those that it has. */
  cut(inputs: readonly InputObject[]): readonly Slice[]
  readonly memberCount: number
  readonly membersSkipped: number
  /** Columns that stand in the paths of the inputs. */
  readonly hive: readonly string[]
  /** Bytes that will be read. */
  readonly bytesIn: number
  /** Inflated bytes as declared; compressed ones where that is not known. */
  readonly bytes: number
}

/** @throws NO_INPUT with glob, root and nearest names, unless the task says that nothing is fine; ZIP_*; why `signal` is aborted, or ABORTED */
export async function findInputs(options: FindOptions): Promise<FoundInputs> {
  const { source, params } = { ...options.task, params: options.params }
  const template = source.kind === 'zipMembers' ? source.archives : source.paths
  const glob = templateGlob(template, params)
  const objects = sortInputs(await matching(options, glob))
  const selected =
    source.kind === 'zipMembers'
      ? await findMembers(source, objects, options)
      : await findFiles(source, objects, options)
  const found = { ...selected, hive: pathColumns(options.task, selected.inputs) }
  stopIfAborted(options)
  if (found.memberCount === 0 && options.task.onEmpty === 'fail')
    throw await nothing(options, source, glob, objects, found.membersSkipped)
  return found
}

/** @throws INPUT_INVALID where inputs have different columns in their paths that are not declared */
function pathColumns(
  { source, columns = {}, output }: FindOptions['task'],
  inputs: readonly InputObject[],
): readonly string[] {
  if (source.hive === false || output?.kind === 'memberFiles') return []
  return hiveColumns(
    inputs.map(({ key }) => key),
    Object.keys(columns),
  )
}

async function matching(options: FindOptions, glob: string): Promise<StoredObject[]> {
  const matches = globMatcher(glob)
  const objects: StoredObject[] = []
  for await (const object of options.input.list(literalPrefix(glob))) {
    stopIfAborted(options)
    if (matches(object.key)) objects.push(object)
  }
  return objects
}

function stopIfAborted({ signal }: FindOptions): void {
  if (!signal?.aborted) return
  if (signal.reason instanceof FanmillError) throw signal.reason
  throw new TransientError('ABORTED', 'the run was stopped; run it again')
}

async function findMembers(
  source: ZipMembersSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<Omit<FoundInputs, 'hive'>> {
  const archives = await openAll(objects, object => openArchive(source, object, options), options)
  const taken = sampled(
    archives.flatMap(({ input, members }) => members.map(member => ({ key: input.key, member }))),
    options.sample,
  )
  if (options.task.output?.kind === 'memberFiles') checkExtractable(taken.map(({ member }) => member))
  const byKey = Map.groupBy(taken, each => each.key)
  const bytes = taken.reduce((sum, { member }) => sum + member.inflatedBytes, 0)
  return {
    inputs: archives.map(archive => archive.input).filter(input => byKey.has(input.key) || taken.length === 0),
    cut: inputs =>
      cutInputs(
        inputs,
        (key, at) =>
          planMemberSlices(
            (byKey.get(key) ?? []).map(each => each.member),
            { ...at, ...wholeMembers(source) },
          ),
        bytes,
        options,
      ),
    memberCount: taken.length,
    membersSkipped: archives.reduce((sum, archive) => sum + archive.skipped, 0),
    bytesIn: taken.reduce((sum, { member }) => sum + member.compressedBytes, 0),
    bytes,
  }
}

/** In the order of the objects. What was opened before was opened by the same function. */
async function openAll<T extends OpenInput>(
  objects: readonly StoredObject[],
  open: (object: StoredObject) => Promise<T>,
  options: FindOptions & { readonly atOnce?: number | undefined },
): Promise<T[]> {
  const inputs: T[] = []
  const openOrTake = async (object: StoredObject, index: number): Promise<void> => {
    if (index % openedAtOnce === 0) await nextTurn()
    stopIfAborted(options)
    const known = options.opened?.get(object.key) as T | undefined
    const isSame = known?.input.etag === object.etag && known.input.sizeBytes === object.sizeBytes
    const input = known && isSame ? known : await open(object)
    if (input !== known) options.onOpen?.(input)
    inputs[index] = input
  }
  await forEachParallel(objects, openOrTake, options.atOnce)
  return inputs
}

/** Small files are opened without waiting; after so many whatever else is due gets its turn. */
const openedAtOnce = 256
const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const textBytesDefault = 96 * 1024 * 1024

/** Parquet is not cut: a member of any size is staged whole. */
const wholeMembers = ({ format }: ZipMembersSource): { streamBytes?: number } =>
  format?.kind === 'parquet' ? { streamBytes: Number.MAX_SAFE_INTEGER } : {}

interface SlicePlace {
  readonly input: number
  readonly firstSlice: number
  readonly sliceBytes: number
  /** A file of more is cut into ranges, or streamed where it is compressed. */
  readonly wholeBytes: number
}

const sliceBytesMin = 1024 * 1024
/** Enough for shares of nearly equal bytes. */
const slicesPerThread = 4

function cutInputs(
  inputs: readonly InputObject[],
  cut: (key: string, place: SlicePlace) => readonly Slice[],
  bytes: number,
  { threads = 1, textBytes = textBytesDefault }: FindOptions,
): readonly Slice[] {
  const even = Math.ceil(bytes / (threads * slicesPerThread))
  const wholeBytes = Math.floor(textBytes / 3)
  const sliceBytes = Math.min(wholeBytes, Math.max(sliceBytesMin, even))
  const slices: Slice[] = []
  for (const [input, { key }] of inputs.entries())
    slices.push(...cut(key, { input, firstSlice: slices.length, sliceBytes, wholeBytes }))
  return slices
}

/** What was found out about an object, so that it can be planned. */
export interface OpenInput {
  readonly input: InputObject
}

/** An archive with the members that a source selects of it. */
export interface OpenArchive extends OpenInput {
  readonly members: readonly PlannableMember[]
  readonly skipped: number
}

/** @throws ZIP_*, but for members that the source skips */
export async function openArchive(
  source: ZipMembersSource,
  object: StoredObject,
  options: Pick<FindOptions, 'input'>,
): Promise<OpenArchive> {
  const { key, sizeBytes, etag } = object
  const read = (range: { start: number; end: number }): Promise<Uint8Array> => options.input.read(key, { range, etag })
  const directory = await readZipDirectory(read, sizeBytes, { key, limits: source.limits })
  const matches = memberMatcher(source)
  const selected = directory.entries.filter(entry => !entry.isDirectory && matches(entry.name))
  const usable =
    source.onBadMember === 'skip' ? selected.filter(entry => !entryFault(entry, source.limits, key)) : selected
  const members = checked(usable, source, key)
  return {
    input: { key, sizeBytes, etag, identity: directory.identity },
    members,
    skipped: selected.length - usable.length,
  }
}

/** What is extracted as it is, is all there is; hidden files are no text that anybody means to read. */
const memberMatcher = ({ format, members }: ZipMembersSource): ((name: string) => boolean) =>
  format === undefined && members === '**' ? () => true : globMatcher(members)

function checked(entries: readonly ZipEntry[], source: ZipMembersSource, key: string): readonly ReadableEntry[] {
  const list: readonly ZipEntry[] = entries
  checkEntries(list, source.limits, key)
  return list
}

async function findFiles(
  source: FilesSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<Omit<FoundInputs, 'hive'>> {
  const identify = options.identify ?? (object => contentHash(options.input, object))
  const taken = sampled(objects, options.sample)
  const pin = async (object: StoredObject): Promise<OpenInput> => {
    const { key, sizeBytes, etag } = object
    return { input: { key, sizeBytes, etag, identity: await identify(object) } }
  }
  const opened = await openFiles(taken, pin, options)
  const byKey = new Map(taken.map(object => [object.key, object]))
  const bytes = taken.reduce((sum, object) => sum + object.sizeBytes, 0)
  return {
    inputs: opened.map(({ input }) => input),
    cut: chosen =>
      cutInputs(chosen, (key, place) => fileSlices(source, byKey.get(key) as StoredObject, place), bytes, options),
    memberCount: taken.length,
    membersSkipped: 0,
    bytesIn: bytes,
    bytes,
  }
}

/** In the order of the objects. A store that is asked is waited for; one that is read has enough to do with one large file. */
async function openFiles(
  objects: readonly StoredObject[],
  pin: (object: StoredObject) => Promise<OpenInput>,
  options: FindOptions,
): Promise<readonly OpenInput[]> {
  if (options.input.inspect) return openAll(objects, pin, options)
  const isSmall = ({ sizeBytes }: StoredObject): boolean =>
    options.input.readNow !== undefined && sizeBytes <= smallFileBytes
  const small = await openAll(objects.filter(isSmall), pin, { ...options, atOnce: openedAtOnce })
  const large = await openAll(
    objects.filter(object => !isSmall(object)),
    pin,
    { ...options, atOnce: 1 },
  )
  const byKey = new Map([...small, ...large].map(opened => [opened.input.key, opened]))
  return objects.flatMap(({ key }) => byKey.get(key) ?? [])
}

function fileSlices(source: FilesSource, { key, sizeBytes }: StoredObject, place: SlicePlace): readonly Slice[] {
  const { input, firstSlice, wholeBytes } = place
  const whole = { slice: firstSlice, input, bytes: sizeBytes }
  const isLarge = sizeBytes > wholeBytes
  if (source.format?.kind === 'parquet') return [{ kind: 'file', ...whole }]
  if (compressionOf(key)) return [{ kind: isLarge ? 'stream' : 'file', ...whole }]
  if (!isLarge || !canCut(source)) return [{ kind: 'file', ...whole }]
  return planRangeSlices({ sizeBytes, ...place })
}

/** Text with comments is rewritten from its start, and read whole. */
const canCut = ({ format }: FilesSource): boolean => format?.kind !== 'csv' || format.comment === undefined

/** Fingerprint of an object's bytes. */
export async function contentHash(store: Store, { key, etag, sizeBytes }: StoredObject): Promise<string> {
  const fingerprint = createFingerprint()
  if (store.readNow && sizeBytes <= smallFileBytes) {
    fingerprint.update(store.readNow(key, { etag }))
    return fingerprint.digest()
  }
  const { take: into } = new ReusedBuffer()
  for await (const bytes of store.stream(key, { etag, into })) fingerprint.update(bytes)
  return fingerprint.digest()
}

function sampled<T>(list: readonly T[], sample: number | `${number}%` | undefined): readonly T[] {
  if (sample === undefined) return list
  const count =
    typeof sample === 'number' ? sample : Math.max(1, Math.round((list.length * Number.parseFloat(sample)) / 100))
  return spread(list, count)
}

/** Names looked through for the nearest ones. */
const candidatesMax = 10_000

async function nothing(
  options: FindOptions,
  source: Source,
  glob: string,
  objects: readonly StoredObject[],
  membersSkipped: number,
): Promise<FanmillError> {
  const root = options.input.url
  if (source.kind === 'zipMembers' && objects.length > 0) {
    const keys = objects.map(object => object.key)
    const archives = keys.length === 1 ? keys[0] : `the ${keys.length} archives ${glob}`
    const given = { glob: source.members, root, archives: keys }
    if (membersSkipped > 0) {
      const message = `all ${membersSkipped} members of ${archives} under ${root} that match ${source.members} are skipped as bad; onBadMember: 'fail' says why`
      return new PermanentError('NO_INPUT', message, { ...given, membersSkipped })
    }
    const names = await memberNames(source, objects, options)
    const detail = { ...given, nearest: nearestToGlob(source.members, names) }
    const message = `no member of ${archives} under ${root} matches ${source.members}${hint(detail.nearest)}`
    return new PermanentError('NO_INPUT', message, detail)
  }
  const detail = { glob, root, nearest: nearestToGlob(glob, await candidateKeys(options.input)) }
  return new PermanentError('NO_INPUT', `nothing under ${root} matches ${glob}${hint(detail.nearest)}`, detail)
}

const hint = (names: readonly string[]): string =>
  names.length > 0 ? `; nearest are ${names.join(', ')}` : '; check the input root and the pattern'

async function memberNames(
  source: ZipMembersSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<string[]> {
  const [first] = objects
  if (!first) return []
  const read = (range: { start: number; end: number }): Promise<Uint8Array> =>
    options.input.read(first.key, { range, etag: first.etag })
  const { entries } = await readZipDirectory(read, first.sizeBytes, { key: first.key, limits: source.limits })
  return entries
    .filter(entry => !entry.isDirectory)
    .slice(0, candidatesMax)
    .map(entry => entry.name)
}
