/** Finds the files of a Delta table at one version. */
import { type DeltaTable, tableName } from '../delta/read-table.ts'
import { readTableManifest, type TableManifest } from '../delta/table-manifest.ts'
import { PermanentError } from '../errors/errors.ts'
import type { ManifestPart } from '../model/outcome/manifest.ts'
import type { InputObject } from '../model/plan-data.ts'
import type { Store } from '../store/store.ts'
import { neededParts } from './find-dataset.ts'
import { type FindOptions, type FoundObjects, noMembers, type PartNeed } from './find-options.ts'
import { partObjects } from './identity/part-etags.ts'
import { spread } from './slices/spread.ts'

/** `path` is that of the table. The table is one input, whose identity is its id and version; its files are the slices. @throws NO_INPUT without a table; as `readTableManifest` */
export async function findTable(
  { path, version, show = files => files }: TablePlace,
  options: FindOptions & PartNeed,
): Promise<FoundObjects> {
  const { input, sample, task, checkpoints, keepsOne = true } = options
  if (!checkpoints) throw new PermanentError('ENGINE_FAILED', 'expected an engine for checkpoints, got none', {})
  const table: DeltaTable = { store: input, prefix: `${path}/`, checkpoints }
  const written = await readTableManifest(table, version)
  if (!written) {
    const message = `task ${task.name}: expected a Delta table in ${tableName(table)}, got no _delta_log with a version; check path and the input root`
    throw new PermanentError('NO_INPUT', message, { task: task.name, table: tableName(table), outputPath: path })
  }
  const manifest = show(written)
  const filled = manifest.parts.filter(part => part.rows > 0)
  const needed = filled.length > 0 ? await neededParts({ ...manifest, parts: filled }, options) : []
  const chosen = spread(needed, sample)
  const etags = await etagsOf(input, table, chosen)
  // One of no bytes for a table without rows, as a dataset without rows has a part: the columns are known without it.
  const parts = filled.length === 0 && keepsOne ? [{ key: '', bytes: 0, partition: undefined }] : chosen
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  return {
    inputs: [inputOf(path, manifest)],
    cut: chosen =>
      chosen.length === 0
        ? []
        : parts.map(({ key, bytes: sizeBytes, partition }, slice) => {
            const part = { key: table.prefix + key, sizeBytes, etag: etags.get(key) ?? '', partition }
            return { kind: 'part', slice, input: 0, part, bytes: sizeBytes }
          }),
    dataset: manifest.schema,
    memberCount: parts.length,
    ...noMembers,
    partsSkipped: filled.length - needed.length,
    bytesIn: bytes,
    bytes,
  }
}

interface TablePlace {
  readonly path: string
  readonly version?: number | undefined
  /** Adds columns to the rows of the table. */
  show?(manifest: TableManifest): TableManifest
}

function inputOf(path: string, { table: { id, version }, schema }: TableManifest): InputObject {
  const identity = `${id}/${version}`
  return { key: `${path}#delta`, sizeBytes: 0, etag: identity, identity, columns: [...schema] }
}

/** Returns the etags of files by their keys in the table. @throws DATASET_MISSING for one that is gone */
async function etagsOf(
  store: Store,
  table: DeltaTable,
  parts: readonly ManifestPart[],
): Promise<ReadonlyMap<string, string>> {
  const objects = await partObjects(store, table.prefix, parts)
  const gone = parts.find(({ key }) => !objects.has(key))
  if (!gone) return new Map(Array.from(objects, ([key, { etag }]) => [key, etag]))
  const message = `${tableName(table)}: expected file ${gone.key}, which this version of the table names, got none; it was deleted, perhaps by a vacuum: read a newer version`
  throw new PermanentError('DATASET_MISSING', message, { table: tableName(table), key: gone.key })
}
