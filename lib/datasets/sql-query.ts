/** Runs SQL over committed datasets, which are read by their manifests. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { copyFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { openEngine, useEngine } from '../duckdb/engine.ts'
import { isSameName } from '../errors/engine-name.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import { typeName } from '../model/type-names.ts'
import type { LocalPart } from '../query/dataset.ts'
import {
  createViews,
  type ParsedQuery,
  parseQuery,
  type QueryFormat,
  type QueryTable,
  queryRows,
  writeQuery,
} from '../query/dataset-query.ts'
import { mapParallel } from '../state/files.ts'
import { openStore } from '../store/open-store.ts'
import { inOwnFolder } from '../store/own-folder.ts'
import { defaultOutput, type RootAccess, rootSpec } from '../store/roots.ts'
import { defaultMemoryMb, defaultWorkers } from '../threads/pool/machine.ts'
import { localParts } from './dataset-parts.ts'
import { checkParts, checkSame, currentManifest, placeOf } from './dataset-place.ts'
import { datasetsInstead, type FoundDataset, type Refusal } from './dataset-union.ts'

export interface SqlOptions extends RootAccess {
  /** Folder, or `s3://bucket/prefix`, below which tables are datasets by their paths; default `out`. */
  readonly output?: string
  /** Places of datasets by the names of tables, such as `{ flights: 'out/flights' }`; default none. */
  readonly datasets?: Readonly<Record<string, string>>
}

export type { QueryFormat } from '../query/dataset-query.ts'

export interface SqlRows {
  /** The columns, with types as definitions name them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Values as the engine prints them; null for a null. */
  readonly rows: readonly (readonly (string | null)[])[]
  /** Whether these are all rows. */
  readonly isWhole: boolean
}

/** Returns the first rows of a SELECT; default at most 1,000. @throws SQL_INVALID, USAGE, DATASET_MISSING, DATASET_DAMAGED, DATASET_REPLACED */
export async function sqlRows(
  statement: string,
  options: SqlOptions & { readonly rowsMax?: number } = {},
): Promise<SqlRows> {
  const { rowsMax = 1000 } = options
  return withTables(statement, options, async ({ connection, query, tables, check }) => {
    const { columns, rows } = await queryRows(connection, query, { tables, rowsMax: rowsMax + 1 })
    await check()
    return {
      columns: columns.map(({ name, type }) => ({ name, type: typeName(type) })),
      rows: rows.slice(0, rowsMax),
      isWhole: rows.length <= rowsMax,
    }
  })
}

export interface SqlTarget {
  readonly format: QueryFormat
  /** Gets the file with the rows, which is removed afterwards. */
  use(file: string): Promise<void>
}

/** Writes all rows of a SELECT to a file, and returns how many. Memory: bounded; the engine spills to the temporary folder. @throws as `sqlRows` */
export async function writeSql(statement: string, options: SqlOptions, { format, use }: SqlTarget): Promise<number> {
  return withTables(statement, options, async ({ connection, query, tables, scratch, check }) => {
    const file = join(scratch, `rows.${format}`)
    const rows = await writeQuery(connection, query, { tables, file, format })
    // Rows of a dataset that was replaced meanwhile are given to nobody.
    await check()
    await use(file)
    return rows
  })
}

/** Puts a finished file in its place, in one step. */
export async function placeFile(from: string, to: string): Promise<void> {
  const beside = `${to}.${randomUUID().slice(0, 8)}.tmp`
  try {
    await copyFile(from, beside)
    await rename(beside, to)
  } finally {
    await rm(beside, { force: true })
  }
}

interface OpenQuery {
  readonly connection: DuckDBConnection
  readonly query: ParsedQuery
  readonly tables: readonly QueryTable[]
  readonly scratch: string
  /** @throws DATASET_REPLACED when a dataset is no longer the one that is read */
  check(): Promise<void>
}

interface FoundTable {
  readonly name: string
  /** One, or several with the same columns. */
  readonly datasets: readonly FoundDataset[]
}

async function withTables<T>(
  statement: string,
  options: SqlOptions,
  work: (open: OpenQuery) => Promise<T>,
): Promise<T> {
  return inOwnFolder(async scratch => {
    const query = await parseAlone(statement, scratch)
    const found = await Array.fromAsync(query.tables, name => findTable(name, options))
    const datasets = found.flatMap(table => table.datasets)
    const check = async (): Promise<void> => {
      await mapParallel(datasets, ({ place, manifest }) => checkSame(place, manifest))
    }
    const folders = [...new Set(datasets.flatMap(({ place }) => place.folder ?? []))]
    const memoryMb = defaultMemoryMb()
    const machine = { threads: defaultWorkers(memoryMb), memoryBytes: Math.floor((memoryMb * 1e6) / 2) }
    const opening = openEngine({ folders: [...folders, scratch], tempFolder: join(scratch, 'spill'), ...machine })
    return useEngine(opening, async engine => {
      try {
        const connection = await engine.connect()
        const tables = await Array.fromAsync(found, (each, at) => tableOf(each, query, join(scratch, String(at))))
        await createViews(connection, tables)
        return await work({ connection, query, tables, scratch, check })
      } catch (error) {
        await check()
        throw error
      }
    })
  })
}

/** Parses the statement in an engine that reads nothing, because the folders are those of its tables. */
async function parseAlone(statement: string, scratch: string): Promise<ParsedQuery> {
  const opening = openEngine({ folders: [scratch], tempFolder: scratch, memoryBytes: 128 * 2 ** 20, threads: 1 })
  return useEngine(opening, async engine => parseQuery(await engine.connect(), statement))
}

/** @throws SQL_INVALID for an unknown table; as `currentManifest` */
async function findTable(name: string, options: SqlOptions): Promise<FoundTable> {
  const { datasets = {}, output = defaultOutput } = options
  const given = Object.entries(datasets).find(([table]) => isSameName(table, name))?.[1]
  if (given === undefined && !isBelow(name)) throw await unknownTable(name, options)
  const path = given ?? `${output.replace(/\/+$/, '')}/${name}`
  const found = await datasetsOf({ name, path, isGiven: given !== undefined }, options)
  for (const { place, manifest } of found) {
    if (manifest.schema.length === 0) {
      const message = `table ${name}: expected a dataset with rows, got one of extracted files in ${path}`
      throw new PermanentError('DATASET_MISSING', message, { dataset: path })
    }
    await checkParts(place, manifest)
  }
  return { name, datasets: found }
}

/** Returns the dataset at a path, or those below it. @throws SQL_INVALID where there is neither, or where they are no rows of one table; as `currentManifest` */
async function datasetsOf(
  { name, path, isGiven }: { readonly name: string; readonly path: string; readonly isGiven: boolean },
  options: SqlOptions,
): Promise<readonly FoundDataset[]> {
  const place = await placeOf(path, options)
  try {
    return [{ name, place, manifest: await currentManifest(place) }]
  } catch (error) {
    const below = await datasetsInstead(error, path, options, () => refusalOf(name))
    if (below.length > 0) return below
    throw isGiven ? error : await unknownTable(name, options)
  }
}

const refusalOf =
  (table: string): Refusal =>
  (expected, names) => {
    const some = [...new Set(names)].slice(0, 3).map(each => `"${table}/${each}"`)
    const message = `sql: table ${table}: expected ${expected}; name one of them, such as ${some.join(' or ')}`
    return new PermanentError('SQL_INVALID', message, { where: 'sql', table })
  }

/** Whether the name is that of a folder below the output root. */
const isBelow = (name: string): boolean => !name.split('/').some(part => part === '' || part.startsWith('.'))

async function unknownTable(
  name: string,
  { datasets = {}, output = defaultOutput, ...access }: SqlOptions,
): Promise<PermanentError> {
  const folders = await Array.fromAsync(openStore(rootSpec(output, access)).listFolders(''))
  const below = folders.filter(folder => !folder.startsWith('.')).map(folder => folder.slice(0, -1))
  // A folder of that name has no datasets.
  const known = [...new Set([...Object.keys(datasets), ...below])].filter(each => each !== name)
  const advice = known.length === 0 ? `nothing is in ${output}` : nearestOrAll(name, known)
  const message = `sql: unknown table ${name}: no dataset of this name is in ${output}; ${advice}; name another place with --dataset name=path`
  return new PermanentError('SQL_INVALID', message, { where: 'sql', table: name, known })
}

/** Copies what the query needs of parts that are not on a disk of this machine. */
async function tableOf({ name, datasets }: FoundTable, query: ParsedQuery, scratch: string): Promise<QueryTable> {
  const parts: LocalPart[] = []
  for (const [at, dataset] of datasets.entries())
    for await (const part of partsOf(dataset, query, join(scratch, String(at)))) parts.push(part)
  const mayLackColumns = datasets.some(
    ({ place, manifest }) =>
      place.folder === undefined || manifest.addedColumns !== undefined || manifest.log === 'delta',
  )
  return { name, schema: datasets[0]?.manifest.schema ?? [], parts, mayLackColumns }
}

function partsOf({ place, manifest }: FoundDataset, query: ParsedQuery, scratch: string): AsyncIterable<LocalPart> {
  const { schema, partitionBy } = manifest
  mkdirSync(scratch, { recursive: true })
  const used = query.columnsOf(schema)
  // A file needs a column, also where its rows are only counted.
  const [first] = schema.filter(column => !partitionBy.includes(column.name))
  const needed = {
    names: new Set([...used, ...(first && !used.some(column => !partitionBy.includes(column)) ? [first.name] : [])]),
    partitions: async (partitions: readonly unknown[]) => partitions.map(() => true),
    rowGroups: async () => undefined,
  }
  return localParts(place, manifest, { needed, scratch, keepsCopies: true })
}
