/** Finds a task's inputs under the input root, pins them, and cuts them into slices. */

import type { FilesSource } from '../define/definition.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { compressionOf } from '../inflate/compression.ts'
import type { InputObject, Slice } from '../model/plan-data.ts'
import { sortInputs } from '../model/run-identity.ts'
import { globMatcher } from '../paths/glob.ts'
import { hiveColumns } from '../paths/hive-columns.ts'
import { literalPrefix, templateGlob } from '../paths/path-template.ts'
import { ReusedBuffer } from '../store/reused-buffer.ts'
import { type Store, type StoredObject, smallFileBytes } from '../store/store.ts'
import { cutInputs, type SlicePlace } from './cut-inputs.ts'
import { findMembers } from './find-members.ts'
import { type FindOptions, type FoundInputs, nothingSkipped } from './find-options.ts'
import { createFingerprint } from './fingerprint.ts'
import { noInputError } from './no-input.ts'
import { type OpenInput, openAll, openedAtOnce } from './open-input.ts'
import { isNeverInput, outputTaskOf, partKeyOf, refuseOwnOutput } from './own-outputs.ts'
import { planRangeSlices } from './plan-slices.ts'
import { spread } from './spread.ts'

export type { FindOptions, FoundInputs } from './find-options.ts'

/** @throws NO_INPUT with glob, root and nearest names, unless the task says that nothing is fine; ZIP_*; why `signal` is aborted, or ABORTED */
export async function findInputs(options: FindOptions): Promise<FoundInputs> {
  const { source, params } = { ...options.task, params: options.params }
  const template = source.paths
  const glob = templateGlob(template, params)
  const objects = sortInputs(await matching(options, glob))
  const selected =
    source.kind === 'zipMembers'
      ? await findMembers(source, objects, options)
      : await findFiles(source, objects, options)
  const found = { ...selected, hive: pathColumns(options.task, selected.inputs) }
  throwIfAborted(options.signal)
  if (found.memberCount === 0 && options.task.onEmpty === 'fail')
    throw await noInputError(options, source, glob, objects, found)
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

/** @throws INPUT_IS_OUTPUT for what a task of the pipeline wrote, or this run would write */
async function matching(options: FindOptions, glob: string): Promise<StoredObject[]> {
  const { input, task, params, outputs = { tasks: [] } } = options
  const matches = globMatcher(glob)
  const taskOf = outputTaskOf(outputs)
  const refuse = (name: string, key: string): never => refuseOwnOutput({ glob, root: input.url, task: name, key })
  const { name, output } = task
  const own = output && partKeyOf(outputs, { name, output }, params)
  if (own !== undefined && matches(own)) refuse(name, own)
  const objects: StoredObject[] = []
  for await (const object of input.list(literalPrefix(glob))) {
    throwIfAborted(options.signal)
    if (!matches(object.key) || isNeverInput(object.key)) continue
    const writer = taskOf(object.key)
    if (writer !== undefined) refuse(writer, object.key)
    objects.push(object)
  }
  return objects
}

async function findFiles(
  source: FilesSource,
  objects: readonly StoredObject[],
  options: FindOptions,
): Promise<Omit<FoundInputs, 'hive'>> {
  const identify = options.identify ?? (object => contentHash(options.input, object))
  const taken = spread(objects, options.sample)
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
    release() {},
    skipped: nothingSkipped,
    unused: [],
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
