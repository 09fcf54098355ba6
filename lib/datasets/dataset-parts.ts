/** Yields the parts of a dataset as local files: those on a disk where they are, of others the chunks that a query needs. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PermanentError } from '../errors/errors.ts'
import type { Manifest, ManifestPart } from '../model/outcome/manifest.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import type { LocalPart, NeededData } from '../query/dataset.ts'
import { copyChunks } from '../stage/sparse-parquet.ts'
import { outputPrefix } from '../state/state.ts'
import { type DatasetPlace, damaged } from './dataset-place.ts'

/** One of several readers of a dataset, each of which gets other rows. */
export interface Shard {
  /** Number of this reader, from 0. */
  readonly index: number
  /** Number of readers. */
  readonly count: number
}

export interface PartsOptions {
  readonly needed: NeededData
  /** A folder for one copy at a time. */
  readonly scratch: string
  readonly shard?: Shard | undefined
  /** Whether copies stay until `scratch` is removed. Default false. */
  readonly keepsCopies?: boolean
}

interface WantedPart {
  readonly part: ManifestPart
  /** Undefined for all rows. */
  readonly rows: { readonly start: number; readonly end: number } | undefined
}

/** Yields the parts in the manifest's order. A copy is removed before the next one, unless they are kept. @throws DATASET_DAMAGED, DATASET_MISSING; USAGE for a wrong shard */
export async function* localParts(
  place: DatasetPlace,
  manifest: Manifest,
  options: PartsOptions,
): AsyncGenerator<LocalPart> {
  const kept = await keptPartitions(manifest, options.needed)
  for (const [number, { part, rows }] of wantedParts(manifest.parts, options.shard).entries()) {
    const { partition, key } = part
    if (partition && !kept.has(partitionFolder(partition))) continue
    const found = await place.store.stat(`${outputPrefix(place.outputPath)}${key}`)
    if (found?.sizeBytes !== part.bytes) throw damaged(place, part, found?.sizeBytes)
    const named = { ...(partition ? { partition } : {}), isForeign: manifest.log === 'delta', rows }
    if (place.folder !== undefined) {
      yield { file: join(place.folder, ...found.key.split('/')), ...named }
      continue
    }
    // A name of its own, because the engine keeps blocks of files by their names.
    const file = join(options.scratch, `part-${number}.parquet`)
    const rowGroups = (footer: ParquetFooter) => neededGroups(footer, options.needed, rows)
    const origin = { archive: found.key, member: '' }
    const { names } = options.needed
    const { parquet } = await copyChunks(found, {
      store: place.store,
      file,
      origin,
      reading: 'named',
      neededColumns: async () => names,
      rowGroups,
    })
    if (parquet.rowCount > 0) yield { file, ...named, gaps: parquet.gaps }
    if (!options.keepsCopies) await rm(file, { force: true })
  }
}

/** Returns the folders of the partitions that may have rows. */
async function keptPartitions({ parts, partitionBy }: Manifest, needed: NeededData): Promise<ReadonlySet<string>> {
  const all = new Map(parts.flatMap(({ partition }) => (partition ? [[partitionFolder(partition), partition]] : [])))
  if (partitionBy.length === 0 || all.size === 0) return new Set(all.keys())
  const isNeeded = await needed.partitions([...all.values()])
  return new Set([...all.keys()].filter((_, at) => isNeeded[at]))
}

/** Cuts all rows, in the manifest's order, into neighbouring ranges of nearly equal length, one a shard. */
function wantedParts(parts: readonly ManifestPart[], shard: Shard | undefined): readonly WantedPart[] {
  if (!shard) return parts.map(part => ({ part, rows: undefined }))
  checkShard(shard)
  const total = parts.reduce((sum, { rows }) => sum + rows, 0)
  const startOf = (index: number): number => Math.floor((total * index) / shard.count)
  const [first, last] = [startOf(shard.index), startOf(shard.index + 1)]
  let before = 0
  return parts.flatMap((part): WantedPart[] => {
    const rows = { start: Math.max(0, first - before), end: Math.min(part.rows, last - before) }
    before += part.rows
    return rows.start < rows.end ? [{ part, rows }] : []
  })
}

function checkShard({ index, count }: Shard): void {
  if (Number.isInteger(count) && Number.isInteger(index) && count >= 1 && index >= 0 && index < count) return
  const message = `shard: expected a count from 1 and an index from 0 to count - 1, got index ${index} of ${count}`
  throw new PermanentError('USAGE', message, { index, count })
}

async function neededGroups(
  footer: ParquetFooter,
  needed: NeededData,
  rows: WantedPart['rows'],
): Promise<readonly boolean[]> {
  const byValues = await needed.rowGroups(footer)
  let start = 0
  return footer.rowGroups.map(({ rowCount }, at) => {
    const isInRange = !rows || (start < rows.end && start + rowCount > rows.start)
    start += rowCount
    return isInRange && byValues?.[at] !== false
  })
}
