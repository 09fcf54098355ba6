/** Opens the dataset of a folder, or those below it as one. */
import { PermanentError } from '../errors/errors.ts'
import { addTotals, type Manifest } from '../model/outcome/manifest.ts'
import { mapParallel } from '../state/files.ts'
import type { RootAccess } from '../store/roots.ts'
import { checkSame, currentManifest, type DatasetPlace, placeOf } from './dataset-place.ts'
import { datasetsInstead, type FoundDataset, type Refusal } from './dataset-union.ts'

export interface OpenedDataset {
  readonly place: DatasetPlace
  /** Its parts are those of all datasets, by their paths from the place. */
  readonly manifest: Manifest
  /** @throws DATASET_REPLACED when it is no longer the one that was opened */
  check(): Promise<void>
}

/** Opens the dataset of a place. @throws as `currentManifest` */
export async function openPlace(place: DatasetPlace): Promise<OpenedDataset> {
  const manifest = await currentManifest(place)
  return { place, manifest, check: () => checkSame(place, manifest) }
}

/** Opens the dataset of a folder, or those of one task below it, with their parameters as columns. @throws as `currentManifest` */
export async function openFolder(folder: string, access: RootAccess = {}): Promise<OpenedDataset> {
  const place = await placeOf(folder, access)
  try {
    return await openPlace(place)
  } catch (error) {
    const found = await datasetsInstead(error, folder, access, refusalOf)
    if (found.length === 0) throw error
    return { place, manifest: joinManifests(found), check: () => checkAll(found) }
  }
}

const refusalOf =
  ({ message, detail }: PermanentError): Refusal =>
  expected =>
    new PermanentError('DATASET_MISSING', `${message}; to read them as one, expected ${expected}`, detail)

async function checkAll(found: readonly FoundDataset[]): Promise<void> {
  await mapParallel(found, ({ place, manifest }) => checkSame(place, manifest))
}

/** Joins the manifests of datasets with the same columns. Rows are in order, and kept by key, only within each. */
function joinManifests(found: readonly FoundDataset[]): Manifest {
  const all = found.map(({ manifest }) => manifest)
  const { fanmill, task, schema, partitionBy } = all[0] as Manifest
  const addedColumns = [...new Set(all.flatMap(manifest => manifest.addedColumns ?? []))]
  const files = found.flatMap(
    ({ name, manifest }) => manifest.files?.map(file => ({ ...file, path: `${name}/${file.path}` })) ?? [],
  )
  return {
    ...{ fanmill, task, schema, partitionBy },
    generation: all.reduce((sum, { generation }) => sum + generation, 0),
    runs: all.flatMap(({ runs }) => runs),
    addedColumns: addedColumns.length > 0 ? addedColumns : undefined,
    log: all.some(({ log }) => log === 'delta') ? 'delta' : undefined,
    parts: found.flatMap(({ name, manifest }) => manifest.parts.map(part => ({ ...part, key: `${name}/${part.key}` }))),
    files: files.length > 0 ? files : undefined,
    totals: addTotals(all.map(({ totals }) => totals)),
  }
}
