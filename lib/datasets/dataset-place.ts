/** Finds a dataset and its manifest, and reads its parts as local files. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { headKey, readSuccess } from '../commit/head.ts'
import { readTableManifest } from '../delta/table-manifest.ts'
import { type FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/outcome/manifest.ts'
import { mapParallel, readState } from '../state/files.ts'
import { type Head, outputPrefix, readHeadFile, successKey } from '../state/state.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { type RootAccess, rootSpec } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { engineServices } from '../threads/engine-services.ts'
import { datasetsBelow } from './datasets-below.ts'

/** An output root, and a dataset's path below it. */
export interface DatasetPlace {
  readonly store: Store
  readonly outputPath: string
  /** Folder of the root on a disk, where parts are read directly. */
  readonly folder?: string
}

/** Finds the output root: the nearest folder above whose state has a head for this path. A copied dataset has none, and is its own root. */
export async function placeOf(path: string, access: RootAccess = {}): Promise<DatasetPlace> {
  const spec = rootSpec(path, access)
  if (spec.kind === 'disk') checkFolder(spec.folder)
  for (const place of placesAbove(spec)) if (await readHead(place)) return place
  return placeBelow(spec, '')
}

/** @throws DATASET_MISSING for a file, which may be one part of a dataset */
function checkFolder(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isFile()) return
  const above = datasetAbove(folder)
  const advice = above
    ? `give the folder that holds _SUCCESS: ${above}`
    : 'no folder above it holds _SUCCESS; fanmill infer prints the columns of a file that is no part of a dataset'
  const message = `expected the folder of a dataset, got the file ${folder}; ${advice}`
  throw new PermanentError('DATASET_MISSING', message, { dataset: folder })
}

/** Returns the nearest folder above a path that holds `_SUCCESS`. */
function datasetAbove(path: string): string | undefined {
  const above = dirname(path)
  if (existsSync(join(above, successKey('')))) return above
  return above === path ? undefined : datasetAbove(above)
}

const tableManifest = ({ store, outputPath }: DatasetPlace): Promise<Manifest | undefined> =>
  readTableManifest({ ...engineServices, store, prefix: outputPrefix(outputPath) })

/**
 * Returns the manifest in `_SUCCESS`, or the newest version of a Delta table; a manifest when the head names the same one.
 * @throws DATASET_MISSING when there is none; DATASET_REPLACED, transient, when head and `_SUCCESS` differ
 */
export async function currentManifest(place: DatasetPlace): Promise<Manifest> {
  const manifest = await readSuccess(place.store, place.outputPath)
  // The log of a Delta table is the truth; other programs write no manifest.
  const table = !manifest || manifest.log === 'delta' ? await tableManifest(place) : undefined
  if (table) return { ...table, task: manifest?.task ?? table.task, runs: manifest?.runs ?? [] }
  const head = await readHead(place)
  if (!manifest) throw await missing(place, head)
  if (head && !isOf(head, manifest)) throw replaced(place, manifest, head)
  return manifest
}

/** @throws DATASET_REPLACED when the dataset is no longer the one that `manifest` describes */
export async function checkSame(place: DatasetPlace, manifest: Manifest): Promise<void> {
  // A version of a Delta table stays as it is.
  if (manifest.log === 'delta') return
  const now = await readSuccess(place.store, place.outputPath)
  const head = await readHead(place)
  const isSame = now !== undefined && now.generation === manifest.generation && (!head || isOf(head, manifest))
  if (!isSame || now.runs.at(-1)?.runId !== manifest.runs.at(-1)?.runId) throw replaced(place, manifest, head)
}

/**
 * Checks that every part is there with the size that the manifest says: one request a part on a disk, one a thousand objects in S3.
 * @throws DATASET_MISSING, DATASET_DAMAGED; DATASET_REPLACED where that explains it
 */
export async function checkParts(
  place: DatasetPlace,
  manifest: Manifest,
  check = () => checkSame(place, manifest),
): Promise<void> {
  const prefix = outputPrefix(place.outputPath)
  const sizes = new Map<string, number>()
  if (place.folder === undefined) {
    for await (const { key, sizeBytes } of place.store.list(prefix)) sizes.set(key.slice(prefix.length), sizeBytes)
  } else {
    await mapParallel(manifest.parts, async ({ key }) => {
      const found = await place.store.stat(prefix + key)
      if (found) sizes.set(key, found.sizeBytes)
    })
  }
  const wrong = manifest.parts.find(part => sizes.get(part.key) !== part.bytes)
  if (!wrong) return
  await check()
  throw damaged(place, wrong, sizes.get(wrong.key))
}

/** Yields the dataset's own folder as the root, then each folder above it. */
function* placesAbove(spec: StoreSpec): Generator<DatasetPlace> {
  const isDisk = spec.kind === 'disk'
  const names = isDisk ? spec.folder.split(sep) : spec.prefix.split('/').filter(Boolean)
  for (let depth = names.length; depth >= (isDisk ? 1 : 0); depth--) {
    const above = names.slice(0, depth)
    const root = isDisk
      ? { ...spec, folder: above.join(sep) || sep }
      : { ...spec, prefix: above.map(name => `${name}/`).join('') }
    yield placeBelow(root, names.slice(depth).join('/'))
  }
}

function placeBelow(root: StoreSpec, outputPath: string): DatasetPlace {
  return { store: openStore(root), outputPath, folder: root.kind === 'disk' ? root.folder : undefined }
}

function readHead({ store, outputPath }: DatasetPlace): Promise<Head | undefined> {
  return readState(store, headKey(outputPath), readHeadFile)
}

/** Accepts the generation that is being committed too: `_SUCCESS` is the last write but one, so that its parts are there. */
function isOf({ committed, committing }: Head, { generation }: Manifest): boolean {
  return generation === committed?.generation || generation === committing?.generation
}

async function missing(place: DatasetPlace, head: Head | undefined): Promise<FanmillError> {
  const url = urlOf(place)
  const detail = { dataset: url }
  if (head?.committing) {
    const message = `no _SUCCESS in ${url}: run ${head.committing.runId} is committing to it; try again when it is done`
    return new TransientError('DATASET_MISSING', message, detail)
  }
  const foreign = await place.store.stat(successKey(place.outputPath))
  const why = foreign ? 'its _SUCCESS was written by another program' : 'it has no _SUCCESS'
  const advice = foreign ? 'read its files with another tool' : await missingAdvice(place)
  return new PermanentError('DATASET_MISSING', `no dataset in ${url}: ${why}; ${advice}`, detail)
}

/** Names the newest datasets below the folder: one is probably meant. */
async function missingAdvice({ store, outputPath }: DatasetPlace): Promise<string> {
  const below = await datasetsBelow(store, outputPath).catch(() => [])
  if (below.length === 0) return 'give the folder of a dataset that a run has completed, such as out/<task>'
  const shown = below.slice(0, belowShownMax).map(each => urlOf({ store, outputPath: each.outputPath }))
  const more = below.length > shown.length ? ` and ${below.length - shown.length} more` : ''
  return `below it are, the newest first, ${shown.join(', ')}${more}`
}

const belowShownMax = 5

function replaced(place: DatasetPlace, { generation }: Manifest, head: Head | undefined): FanmillError {
  const now = head?.committing?.generation ?? head?.committed?.generation
  const message = `${urlOf(place)}: expected generation ${generation}, got ${now ?? 'another'}: a run was committed meanwhile; open it again`
  return new TransientError('DATASET_REPLACED', message, { dataset: urlOf(place), generation, now })
}

export function damaged(
  place: DatasetPlace,
  { key, bytes }: ManifestPart,
  foundBytes: number | undefined,
): FanmillError {
  const got = foundBytes === undefined ? 'no such file' : `${foundBytes} bytes`
  const message = `${urlOf(place)}: expected part ${key} with ${bytes} bytes, as its manifest says, got ${got}; something other than fanmill changed it: run the task again with --force`
  const code = foundBytes === undefined ? 'DATASET_MISSING' : 'DATASET_DAMAGED'
  return new PermanentError(code, message, { dataset: urlOf(place), key, bytes, foundBytes })
}

function urlOf({ store, outputPath }: DatasetPlace): string {
  return outputPath === '' ? store.url : `${store.url.replace(/\/$/, '')}/${outputPath}`
}
