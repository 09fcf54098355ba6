/** One task in the engine of one worker: its transform is checked and bound once, then its files are converted. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { isText } from '../define/format-kind.ts'
import { FanmillError } from '../errors/errors.ts'
import type { SchemaColumn } from '../model/manifest.ts'
import type { SideColumns } from '../model/plan-data.ts'
import type { LoadingRun, SharePart } from '../model/share.ts'
import type { StageColumns } from '../model/stage-columns.ts'
import type { WorkerJob } from '../model/worker-job.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import { boundsByRowGroup } from '../parquet/row-group-bounds.ts'
import { hiveColumns } from '../paths/hive-columns.ts'
import type { StagedFile } from '../stage/staged-file.ts'
import type { FileColumns } from '../stage/staging.ts'
import type { Conversion, Converted, ConvertJob } from './conversion.ts'
import { convert } from './convert.ts'
import type { Engine } from './duckdb/engine.ts'
import { columnsOf } from './duckdb/engine-column.ts'
import type { EngineTask } from './engine-task.ts'
import { findFault } from './find-fault.ts'
import { keyedQuery } from './keyed/keyed-query.ts'
import { addedColumns, prepareConversion } from './prepare-conversion.ts'
import { exchangeColumns, heaviestKeys } from './read/exchange-read.ts'
import { joinedColumns, usedSides } from './read/join-read.ts'
import { scan, sharedColumns } from './read/parquet-describe.ts'
import { enterRun } from './read/provenance-sql.ts'
import type { ReadColumn } from './read/read-columns.ts'
import { registerRowCounter } from './read/row-counter.ts'
import { type RowGroupFilter, rowGroupFilter } from './read/row-group-filter.ts'
import { usedColumns } from './read/used-columns.ts'
import { createMapFunctions } from './transform/map-function.ts'
import { registerPartitionKeys } from './write/partition-keys.ts'
import { rowsByBucket, writeBuckets, writeUndivided } from './write/write-buckets.ts'
import { type PartOptions, writeParts } from './write/write-parts.ts'
import { bucketRowGroup } from './write/writer-limits.ts'

export interface TaskEngine {
  /**
   * The columns that the transform returns, with the engine's names of their types. Empty for a task over Parquet
   * without declared columns until it has read its first file.
   */
  readonly schema: readonly SchemaColumn[]
  /**
   * Checks the transform over the declared columns, or those of the dataset that is read, and over those in the paths of the inputs.
   * @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID, COLUMN_MISSING
   */
  check(inputs?: StageColumns): Promise<void>
  /** The columns of the dataset that are read; undefined for other inputs. */
  readonly datasetColumns: readonly string[] | undefined
  /** Returns the columns that the steps use, for a task that declares none; undefined where they may use all. */
  usedColumns(file: FileColumns): Promise<ReadonlySet<string> | undefined>
  /** Returns those columns of the sides of a join that are read; undefined where nothing is joined. */
  usedSides(sides: SideColumns | undefined): Promise<SideColumns | undefined>
  /** Returns for each row group of a part of the dataset whether it may have rows that are needed; undefined where all may. */
  rowGroups(footer: ParquetFooter): Promise<readonly boolean[] | undefined>
  /** Whether a map function has read its row's member: the files of a conversion must then be of one member. */
  readonly isByMember: boolean
  /** Forgets what it learned about members, so that the next job stages and orders its rows as on any other thread. */
  forgetMember(): void
  /** Sets the run of the next conversions, for provenance columns. */
  enterRun(run: LoadingRun): Promise<void>
  convert(job: ConvertJob): Promise<Converted>
  /** Returns the progress of the running query. */
  progress(): EngineProgress
  /** Repeats a failed transform, and returns its error with archive, member and line. */
  findFault(job: Omit<ConvertJob, 'isCareful'>): Promise<FanmillError | undefined>
  /** Joins Parquet files with the same columns in one file, or in several with `fileRows` rows each; in their order, or sorted as the output is. */
  merge(files: readonly string[], options: MergeOptions): Promise<readonly SharePart[]>
  /** Returns the keys with the most rows in files of an exchange, as texts with their counts. */
  heaviestKeys(files: readonly StagedFile[]): Promise<readonly string[]>
  /** Combines files of an exchange that slices of one batch made, into files by bucket, or into one. */
  combine(files: readonly string[], options: CombineOptions): Promise<readonly SharePart[]>
}

export interface EngineProgress {
  /** Fraction of the rows that were read, from 0 to 1. */
  readonly fraction: number
  /** Whether the rows that are written are others than those that are read. */
  readonly isTransformed: boolean
  /** Rows that entered the transform; undefined where they are not counted one by one. */
  readonly rowsRead?: number | undefined
}

type MergeOptions = Pick<WorkerJob<'merge'>, 'target' | 'fileRows'>
type CombineOptions = Pick<WorkerJob<'combine'>, 'target' | 'buckets' | 'isUndivided'>

/**
 * Opens a task. Its transform is checked against empty typed inputs: now, later by `check`, or for a task over Parquet
 * without declared columns, against the first file. @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID
 */
export async function openTask(engine: Engine, task: EngineTask, context: unknown): Promise<TaskEngine> {
  const connection = await engine.connect()
  const added = await addedColumns(connection, task.steps)
  const maps = createMapFunctions(connection, context, step => added.get(step) ?? [])
  const counter = registerRowCounter(connection)
  const tools = {
    connection,
    maps,
    counter,
    fitCounter: registerRowCounter(connection, 'fanmill_fit'),
    // Registered once for the connection: conversions with other path columns call the same functions.
    keys: task.parts.partitionBy.length > 0 ? registerPartitionKeys(connection, task.parts) : undefined,
    memoryBytes: engine.memoryBytes,
    wideRows: engine.wideRows,
  }
  const isUntyped = !isText(task.format) && Object.keys(task.columns).length === 0
  const byPath = new Map<string, Conversion>()
  let conversion: Conversion | undefined
  let own: readonly ReadColumn[] | undefined
  let dataset: readonly SchemaColumn[] | undefined
  let filter: RowGroupFilter | undefined
  const used = usedColumnsOf(connection, task)
  const conversionWith = async (inPath: readonly string[]): Promise<Conversion> => {
    const key = JSON.stringify([inPath, dataset, task.join && own])
    conversion = byPath.get(key) ?? (await prepareConversion(task, tools, { inPath, own, dataset }))
    byPath.set(key, conversion)
    return conversion
  }
  const conversionFor = async ({
    files,
    sides,
    usedSides,
  }: Pick<ConvertJob, 'files' | 'sides' | 'usedSides'>): Promise<Conversion> => {
    if (task.join && sides) own = joinedColumns(task.join, sides, usedSides)
    else if (task.exchangedBy && files.length > 0)
      own ??= await exchangeColumns(
        connection,
        files.map(({ file }) => file),
      )
    else if (isUntyped && !dataset) own = await sharedColumns(connection, files, { earlier: own, usedColumns: used })
    return conversionWith(files.length > 0 ? pathColumns(task, files) : (task.hive ?? []))
  }
  const usedOfSides = usedSidesOf(connection, task)
  if (!isUntyped && !task.isCheckedLater) await conversionWith(task.hive ?? [])
  return {
    get schema() {
      return conversion?.written ?? []
    },
    get datasetColumns() {
      return dataset && conversion?.parquet?.columns.map(({ name }) => name)
    },
    usedColumns: used,
    usedSides: usedOfSides,
    rowGroups: async footer => filter?.needed(boundsByRowGroup(footer, filter.columns)),
    get isByMember() {
      return maps.isByMember
    },
    forgetMember: () => maps.forgetMember(),
    async check(inputs = {}) {
      if (inputs.dataset && JSON.stringify(inputs.dataset) !== JSON.stringify(dataset)) {
        dataset = inputs.dataset
        filter = mayReject(task) ? undefined : await rowGroupFilter(connection, task.conditions ?? [], dataset)
      }
      if (inputs.exchanged) own = inputs.exchanged
      if (task.join && inputs.sides) own = joinedColumns(task.join, inputs.sides, await usedOfSides(inputs.sides))
      if (!isUntyped || dataset || own) await conversionWith(inputs.hive ?? task.hive ?? [])
    },
    enterRun: run => enterRun(connection, run),
    async convert(job) {
      // Without any file there is no schema, and nothing to write; the columns of a join are those of its sides.
      if (isUntyped && !dataset && !job.sides && job.files.length === 0) return nothing
      const used = { ...job, usedSides: await usedOfSides(job.sides) }
      return convert(await conversionFor(used), used)
    },
    progress: () => ({
      fraction: Math.min(1, Math.max(0, connection.progress.percentage / 100)),
      isTransformed: task.steps.length > 0,
      rowsRead: counter.rows() > 0 ? counter.rows() : undefined,
    }),
    findFault: async job => findFault(await conversionFor(job), job),
    heaviestKeys: files => heaviestKeys(connection, task, files),
    combine: (files, options) => combine(connection, task, files, { ...options, memoryBytes: engine.memoryBytes }),
    merge: (files, options) => merge(connection, conversion?.parts ?? task.parts, files, options),
  }
}

/** Whether any row may be a reject: then all rows are read, because which rows a row group has depends on how it was written. */
const mayReject = ({ columns, checks = [] }: EngineTask): boolean => Object.keys(columns).length + checks.length > 0

/** Returns a function that finds the columns of the sides of a join that are used; those of the same sides are found once. */
function usedSidesOf(connection: DuckDBConnection, { join, steps }: EngineTask): TaskEngine['usedSides'] {
  const found = new Map<string, ReturnType<typeof usedSides>>()
  return async sides => {
    if (!join || !sides) return undefined
    const key = JSON.stringify(sides)
    const used = found.get(key) ?? usedSides(connection, join, { steps, sides })
    found.set(key, used)
    return used
  }
}

/** Returns a function that finds the columns of a file that are used; files with the same columns are looked at once. */
function usedColumnsOf(connection: DuckDBConnection, task: EngineTask): TaskEngine['usedColumns'] {
  const { checks = [], onNewColumn = 'ignore', readsHive = true } = task
  if (checks.length > 0 || onNewColumn !== 'ignore') return async () => undefined
  const found = new Map<string, ReadonlySet<string> | undefined>()
  return async ({ archive, names }) => {
    const all = [...names, ...(readsHive ? hiveColumns([archive], []) : [])]
    const key = JSON.stringify(all)
    if (!found.has(key)) {
      const used = await usedColumns(connection, task.steps, all)
      // A query needs a column, also one that only counts rows.
      found.set(key, used && new Set(used.length > 0 ? used : names.slice(0, 1)))
    }
    return found.get(key)
  }
}

const nothing: Converted = {
  kind: 'parts',
  parts: [],
  rowsRead: 0,
  rowsWritten: 0,
  rowsRejected: 0,
  rejectedByMember: {},
  rejects: [],
}

/** All columns in the paths of these files. @throws INPUT_INVALID */
function pathColumns({ columns, readsHive = true }: EngineTask, files: readonly StagedFile[]): readonly string[] {
  if (!readsHive) return []
  const archives = files.flatMap(file => file.members.map(({ archive }) => archive))
  return hiveColumns(archives, Object.keys(columns))
}

async function merge(
  connection: DuckDBConnection,
  parts: PartOptions,
  files: readonly string[],
  { target, fileRows }: MergeOptions,
): Promise<readonly SharePart[]> {
  const query = { sql: `SELECT * FROM ${scan(files)}`, values: [] }
  const [file = ''] = files
  const split = fileRows === undefined ? undefined : { file, fileRows }
  const written = await writeParts(connection, query, target, { ...parts, split })
  if (written.length === 0) throw new FanmillError('ENGINE_FAILED', 'the engine wrote no file', { target })
  return written
}

async function combine(
  connection: DuckDBConnection,
  { exchange }: EngineTask,
  files: readonly string[],
  { target, buckets, isUndivided, memoryBytes }: CombineOptions & { readonly memoryBytes: number },
): Promise<readonly SharePart[]> {
  if (!exchange?.combine) throw new FanmillError('ENGINE_FAILED', 'expected an exchange whose rows can be combined')
  const result = await connection.run(`SELECT * FROM ${scan(files)} LIMIT 0`)
  const given = columnsOf(result)
  const sql = keyedQuery(exchange.combine, given, `SELECT * FROM ${scan(files)}`)
  const options = {
    ...exchange,
    buckets,
    rowGroupRows: bucketRowGroup(buckets, { columns: given.length, memoryBytes }),
  }
  if (!isUndivided) return writeBuckets(connection, { sql, values: [] }, target, options)
  const parts = await writeUndivided(connection, { sql, values: [] }, target)
  return Promise.all(
    parts.map(async part =>
      // A file without rows only carries the schema, in a bucket like any other.
      part.rows === 0
        ? { ...part, bucket: 0 }
        : { ...part, rowsByBucket: await rowsByBucket(connection, part.file, options) },
    ),
  )
}
