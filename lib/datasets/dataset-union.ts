/** Finds the datasets of one task below a folder, one for each set of parameters, which are read as one. */
import { readSuccess } from '../commit/head.ts'
import type { ParamValues } from '../define/definition.ts'
import { engineName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'
import { hasCode } from '../errors/expected.ts'
import type { Manifest, SchemaColumn } from '../model/outcome/manifest.ts'
import { canonicalJson } from '../model/run/identity.ts'
import { mapParallel, readsAtOnce } from '../state/files.ts'
import { outputPrefix } from '../state/state.ts'
import type { RootAccess } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { currentManifest, type DatasetPlace, placeOf } from './dataset-place.ts'

export interface FoundDataset {
  /** Path from the folder. */
  readonly name: string
  readonly place: DatasetPlace
  /** With the parameters as partitions, where the dataset is one of several. */
  readonly manifest: Manifest
}

/** Levels of folders below a path that are looked into: as many parameters may stand in the path of an output. */
const levelsMax = 4
/** Limit on the folders that are looked into, as on the nodes of a graph. */
const foldersMax = 10_000

/** Returns the error for datasets that are not read as one, by what was expected and the names of some. */
export type Refusal = (expected: string, names: readonly string[]) => PermanentError

/**
 * Returns the datasets below a folder that has none itself, as `error` says, with their parameters as columns; none where there is none.
 * @throws any other error as it is; what the refusal returns for datasets that are no rows of one table: of several tasks, with other
 * columns, or several with equal parameters
 */
export async function datasetsInstead(
  error: unknown,
  path: string,
  access: RootAccess,
  refusalFor: (missing: PermanentError) => Refusal,
): Promise<readonly FoundDataset[]> {
  // While a run commits, the error is transient: its dataset is there soon.
  if (!hasCode(error, 'DATASET_MISSING') || !(error instanceof PermanentError)) throw error
  const refuse = refusalFor(error)
  const { store, outputPath } = await placeOf(path, access)
  const prefix = outputPrefix(outputPath)
  const names = (await pathsBelow(store, outputPath)).map(each => each.slice(prefix.length))
  if (names.length > foldersMax) throw refuse(`at most ${foldersMax} folders below ${path}, got more`, names)
  const found = await mapParallel(names, async name => {
    const place = await placeOf(`${path.replace(/\/+$/, '')}/${name}`, access)
    return { name, place, manifest: await currentManifest(place) }
  })
  checkUnion(path, found, refuse)
  return found.map(each => ({ ...each, manifest: withParams(each.manifest) }))
}

/** Lists the nearest datasets below a folder, level by level. */
async function pathsBelow(store: Store, outputPath: string): Promise<string[]> {
  const found: string[] = []
  let folders = [outputPath]
  for (let level = 0; level < levelsMax && folders.length > 0 && found.length <= foldersMax; level++) {
    const next: string[] = []
    for (const folder of folders)
      for await (const below of store.listFolders(outputPrefix(folder)))
        if (!/^[._]/.test(below.slice(outputPrefix(folder).length))) next.push(below.slice(0, -1))
    if (next.length > foldersMax) return found.concat(next)
    const isDataset = await mapParallel(next, async each => (await readSuccess(store, each)) !== undefined, readsAtOnce)
    found.push(...next.filter((_, at) => isDataset[at]))
    folders = next.filter((_, at) => !isDataset[at])
  }
  return found.sort()
}

function checkUnion(path: string, found: readonly FoundDataset[], refuse: Refusal): void {
  const [first] = found
  if (!first) return
  const byParams = new Map<string, FoundDataset>()
  for (const each of found) {
    const params = canonicalJson(paramsOf(each.manifest))
    const same = byParams.get(params)
    const names = [first.name, each.name]
    if (each.manifest.task !== first.manifest.task)
      throw refuse(
        `datasets of one task below ${path}, got some of ${first.manifest.task} and ${each.manifest.task}`,
        names,
      )
    if (columnsText(each.manifest) !== columnsText(first.manifest))
      throw refuse(
        `datasets with the same columns below ${path}, got others in ${each.name} than in ${first.name}`,
        names,
      )
    if (same) throw refuse(`one dataset for the same parameters below ${path}, got several`, [same.name, each.name])
    byParams.set(params, each)
  }
}

/** Returns what must be equal: columns with their types, and names of parameters. */
const columnsText = (manifest: Manifest): string =>
  [...manifest.schema.map(({ name, type }) => `${name} ${type}`), ...Object.keys(paramsOf(manifest))].sort().join('\n')

/** Returns the parameters that all runs of a dataset have in common. */
function paramsOf({ runs }: Manifest): ParamValues {
  const [first, ...others] = runs
  const common = Object.entries(first?.params ?? {}).filter(([name, value]) =>
    others.every(({ params }) => params[name] === value),
  )
  return Object.fromEntries(common)
}

/** Adds the parameters that are no columns of the rows. */
function withParams(manifest: Manifest): Manifest {
  const { schema, partitionBy, parts } = manifest
  const taken = new Set(schema.map(({ name }) => engineName(name)))
  const params = Object.entries(paramsOf(manifest)).filter(([name]) => !taken.has(engineName(name)))
  const added = params.map(([name, value]): SchemaColumn => ({ name, type: typeOf(value) }))
  const partition = Object.fromEntries(params.map(([name, value]) => [name, String(value)]))
  return {
    ...manifest,
    schema: [...schema, ...added],
    partitionBy: [...partitionBy, ...params.map(([name]) => name)],
    parts: parts.map(part => ({ ...part, partition: { ...part.partition, ...partition } })),
  }
}

function typeOf(value: ParamValues[string]): string {
  if (typeof value === 'boolean') return 'BOOLEAN'
  if (typeof value === 'number') return Number.isInteger(value) ? 'BIGINT' : 'DOUBLE'
  return 'VARCHAR'
}
