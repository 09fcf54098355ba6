/** Finds files that are no archives, pins them by the hash of their content, and cuts large texts into slices. */

import { canBeCut, isText } from '../define/formats/format-kind.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import { compressionOf } from '../inflate/compression.ts'
import type { Slice } from '../model/plan-data.ts'
import { type StoredObject, smallFileBytes } from '../store/store.ts'
import { type FindOptions, type FoundObjects, noMembers } from './find-options.ts'
import { contentHash } from './identity/fingerprint.ts'
import { type OpenInput, openAll, openedAtOnce } from './open-input.ts'
import { cutInputs, type SlicePlace } from './slices/cut-inputs.ts'
import { planRangeSlices } from './slices/plan-slices.ts'
import { spread } from './slices/spread.ts'

export async function findFiles(objects: readonly StoredObject[], options: FindOptions): Promise<FoundObjects> {
  const identify = options.identify ?? (object => contentHash(options.input, object))
  const taken = spread(objects, options.sample)
  const pin = async (object: StoredObject): Promise<OpenInput> => {
    const { key, sizeBytes, etag } = object
    return { input: { key, sizeBytes, etag, identity: await identify(object) } }
  }
  const byKey = new Map(taken.map(object => [object.key, object]))
  const bytes = taken.reduce((sum, object) => sum + object.sizeBytes, 0)
  const cut: FoundObjects['cut'] = chosen =>
    cutInputs(
      chosen,
      ({ key }, place) => {
        const object = byKey.get(key)
        return object ? fileSlices(options.task, object, place) : []
      },
      bytes,
      options,
    )
  options.onListed?.({ inputs: taken.map(object => ({ ...object, identity: '' })), cut })
  const opened = await openFiles(taken, pin, options)
  return {
    inputs: opened.map(({ input }) => input),
    cut,
    memberCount: taken.length,
    ...noMembers,
    release: () => byKey.clear(),
    bytesIn: bytes,
    bytes,
  }
}

/** Opens files, in the order of the objects: many at once where the store is asked for a checksum, large ones one by one where they are read. */
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

function fileSlices(task: FindOptions['task'], { key, sizeBytes }: StoredObject, place: SlicePlace): readonly Slice[] {
  const { input, firstSlice, wholeBytes } = place
  const whole = { slice: firstSlice, input, bytes: sizeBytes }
  const isLarge = sizeBytes > wholeBytes
  const { format } = task.source
  if (format && !isText(format)) return [{ kind: 'file', ...whole }]
  if (compressionOf(key)) return [{ kind: isLarge ? 'stream' : 'file', ...whole }]
  if (!isLarge || !canCut(task)) return [{ kind: 'file', ...whole }]
  return planRangeSlices({ sizeBytes, ...place })
}

const canCut = ({ source: { format }, output }: FindOptions['task']): boolean =>
  format !== undefined && canBeCut(format) && (output && outputKind(output).pieceBytes) === undefined
