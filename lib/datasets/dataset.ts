/** Reads datasets by the manifest in `_SUCCESS`, never by listing. */
import { tmpdir } from 'node:os'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { SqlStep } from '../define/definition.ts'
import type { Manifest, ManifestPart, SchemaColumn } from '../model/outcome/manifest.ts'
import {
  chosenColumns,
  chunksOf,
  type DatasetBatch,
  type DatasetRow,
  type LocalPart,
  neededData,
  openReader,
  readBatches,
  readRows,
  readTexts,
} from '../query/dataset.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import type { RootAccess } from '../store/roots.ts'
import { arrowStream } from './arrow-stream.ts'
import { localParts, type Shard } from './dataset-parts.ts'
import { checkParts, currentManifest, type DatasetPlace, placeOf } from './dataset-place.ts'
import { type OpenedDataset, openFolder, openPlace } from './open-folder.ts'

export type { DatasetBatch, DatasetRow } from '../query/dataset.ts'
export type { Shard } from './dataset-parts.ts'

export interface RowsOptions {
  /** Names of columns, such as `['origin', 'delay']`; default all, in the order of the schema. */
  readonly columns?: readonly string[]
  /** Condition over all columns; default every row. @example ``sql`delay > ${60}` ``. */
  readonly where?: SqlStep
  /** Reads one of `count` shares of the rows, which are nearly equal before `where`; default all. @example { index: 0, count: 4 } */
  readonly shard?: Shard
}

/** A committed dataset, as it was when it was opened. */
export interface Dataset {
  readonly manifest: Manifest
  readonly schema: readonly SchemaColumn[]
  readonly parts: readonly ManifestPart[]
  /**
   * Yields the rows, part after part, with the values that map functions receive: bigint for int64, Date for timestamps. Memory: a row group.
   * @throws DATASET_REPLACED, at the latest after the last row, when another run was committed meanwhile; USAGE, SQL_INVALID
   */
  rows(options?: RowsOptions): AsyncIterable<DatasetRow>
  /**
   * Yields columns of at most 2,048 rows, fewer where lists are long: numbers without nulls as typed arrays, such as Float64Array, a list of them too; other values
   * as `rows` has them. Memory: a row group. @throws as `rows`
   */
  batches(options?: RowsOptions): AsyncIterable<DatasetBatch>
  /**
   * Yields the bytes of an Arrow IPC stream, which other libraries read: its schema, then one record batch at a time. Needs the package
   * `apache-arrow`. Memory: a row group. @throws as `rows`; USAGE when the package is not installed
   * @example const reader = await RecordBatchReader.from(dataset.arrow({ columns: ['delay'] }))
   */
  arrow(options?: RowsOptions): AsyncIterable<Uint8Array>
}

/**
 * Opens the dataset of a folder, or of `s3://bucket/prefix`; where there is none, those of one task below it as one, with their parameters
 * as columns.
 * @example for await (const { origin, delay } of (await openDataset('out/flights')).rows({ columns: ['origin', 'delay'] })) …
 * @throws DATASET_MISSING when it has no `_SUCCESS`, or a part is gone; DATASET_DAMAGED when one has another size than its manifest says;
 * DATASET_REPLACED while it is neither the old nor the new one
 */
export async function openDataset(folder: string, access: RootAccess = {}): Promise<Dataset> {
  return asDataset(await openFolder(folder, access))
}

/** Opens a dataset of any store. @throws as `openDataset` */
export async function datasetAt(place: DatasetPlace): Promise<Dataset> {
  return asDataset(await openPlace(place))
}

async function asDataset(opened: OpenedDataset): Promise<Dataset> {
  const { place, manifest, check } = opened
  await checkParts(place, manifest, check)
  const { schema, parts } = manifest
  return {
    manifest,
    schema,
    parts,
    rows: options => partsOf(opened, options, readRows),
    batches: options => partsOf(opened, options, readBatches),
    arrow: options =>
      arrowStream(manifest.schema, options, list =>
        partsOf(opened, options, (connection, part, query) => chunksOf(connection, part, query, list)),
      ),
  }
}

/** Returns the manifest of a folder's dataset. @throws as `openDataset` */
export async function showDataset(folder: string, access: RootAccess = {}): Promise<Manifest> {
  return currentManifest(await placeOf(folder, access))
}

export interface HeadOptions extends RootAccess {
  /** Number of rows; default 10. */
  readonly rows?: number
  /** Names of columns; default all, in the order of the schema. */
  readonly columns?: readonly string[]
  /** Condition in SQL over all columns; default every row. */
  readonly where?: string
}

export interface DatasetHead {
  readonly columns: readonly string[]
  /** Values as the engine prints them; null for a null. */
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Returns the first rows. @throws as `openDataset`; USAGE for an unknown column; SQL_INVALID */
export async function headDataset(folder: string, options: HeadOptions = {}): Promise<DatasetHead> {
  return headOf(await openFolder(folder, options), options)
}

/** Returns the first rows of the dataset of a place. @throws as `headDataset` */
export async function headAt(place: DatasetPlace, options: Omit<HeadOptions, keyof RootAccess>): Promise<DatasetHead> {
  return headOf(await openPlace(place), options)
}

async function headOf(opened: OpenedDataset, options: Omit<HeadOptions, keyof RootAccess>): Promise<DatasetHead> {
  const { rows: rowsMax = 10, columns, where } = options
  const { manifest } = opened
  const condition = where === undefined ? {} : { where: { texts: [where], values: [] } }
  const query = { schema: manifest.schema, columns, ...condition }
  const rows: (string | null)[][] = []
  for await (const row of scan(opened, query, (connection, part) =>
    readTexts(connection, part, { ...query, rowsMax: rowsMax - rows.length }),
  )) {
    rows.push(row)
    if (rows.length >= rowsMax) break
  }
  await opened.check()
  return { columns: chosenColumns(query), rows }
}

type ReadQuery = Parameters<typeof readRows>[2]

function partsOf<T>(
  opened: OpenedDataset,
  { columns, where, shard }: RowsOptions = {},
  read: (connection: DuckDBConnection, part: LocalPart, query: ReadQuery) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const query = { schema: opened.manifest.schema, columns, where }
  chosenColumns(query)
  return scan(opened, { ...query, shard }, (connection, part) => read(connection, part, query))
}

type ReadPart<Row> = (connection: DuckDBConnection, part: LocalPart) => AsyncIterable<Row> | Promise<readonly Row[]>

/** Reads every part with one engine. @throws DATASET_REPLACED instead of another error that it explains */
async function* scan<Row>(
  { place, manifest, check }: OpenedDataset,
  query: ReadQuery & Pick<RowsOptions, 'shard'>,
  read: ReadPart<Row>,
): AsyncGenerator<Row> {
  const scratch = makeOwnFolder(tmpdir())
  const engine = await openReader([...(place.folder === undefined ? [] : [place.folder]), scratch], scratch)
  try {
    const connection = await engine.connect()
    const needed = await neededData(engine, connection, query)
    const parts = localParts(place, manifest, { needed, scratch, shard: query.shard })
    for await (const part of parts) yield* await read(connection, part)
  } catch (error) {
    await check()
    throw error
  } finally {
    engine.close()
    removeOwnFolder(scratch)
  }
  await check()
}
