/** One task in the engine of one worker: its transform is checked and bound once, then its files are converted. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Engine } from '../duckdb/engine.ts'
import { columnsOf } from '../duckdb/engine-column.ts'
import { registerRowCounter } from '../duckdb/row-counter.ts'
import { FanmillError } from '../errors/errors.ts'
import type { SchemaColumn } from '../model/outcome/manifest.ts'
import type { LoadingRun, SharePart } from '../model/share.ts'
import type { StageColumns } from '../model/stage-columns.ts'
import type { WorkerJob } from '../model/worker-job.ts'
import type { StagedFile } from '../stage/staged-file.ts'
import type { Converted, ConvertJob } from './conversion.ts'
import { convert } from './convert.ts'
import type { EngineTask } from './engine-task.ts'
import { findFault } from './find-fault.ts'
import { keyedQuery } from './keyed/keyed-query.ts'
import { addedColumns } from './prepare-conversion.ts'
import { heaviestKeys } from './read/exchange-read.ts'
import { scan } from './read/parquet/describe.ts'
import { enterRun } from './read/provenance-sql.ts'
import { type UsedOfFile, type UsedOfSides, usedOfFile, usedOfSides } from './read/used-of-inputs.ts'
import { isUntyped, openConversions, type TaskConversions } from './task-conversions.ts'
import { createMapFunctions } from './transform/map-function.ts'
import { registerPartitionKeys } from './write/partition-keys.ts'
import { noRejects } from './write/reject-rows.ts'
import { rowsByBucket, writeBuckets, writeUndivided } from './write/write-buckets.ts'
import { writeParts } from './write/write-parts.ts'
import { bucketRowGroup } from './write/writer-limits.ts'

export interface TaskEngine extends Pick<TaskConversions, 'rowGroups'> {
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
  readonly usedColumns: UsedOfFile
  /** Returns those columns of the sides of a join that are read; undefined where nothing is joined. */
  readonly usedSides: UsedOfSides
  /** Whether a map function has read its row's member: the files of a conversion must then be of one member. */
  readonly isByMember: boolean
  /** Forgets what it learned about members, so that the next job stages and orders its rows as on any other thread. */
  forgetMember(): void
  /** Sets the run of the next conversions, for provenance columns. */
  enterRun(run: LoadingRun): Promise<void>
  convert(job: ConvertJob): Promise<Converted>
  progress(): EngineProgress
  /** Repeats a failed transform, and returns its error with archive, member and line; undefined when it does not fail again. */
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
  const { task: connection } = engine
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
  const used = { ofFile: usedOfFile(connection, task), ofSides: usedOfSides(connection, task) }
  const conversions = await openConversions(task, tools, used)
  return {
    get schema() {
      return conversions.latest?.written ?? []
    },
    get datasetColumns() {
      return conversions.dataset && conversions.latest?.parquet?.columns.map(({ name }) => name)
    },
    usedColumns: used.ofFile,
    usedSides: used.ofSides,
    rowGroups: conversions.rowGroups,
    get isByMember() {
      return maps.isByMember
    },
    forgetMember: () => maps.forgetMember(),
    check: (inputs = {}) => conversions.check(inputs),
    enterRun: run => enterRun(connection, run),
    async convert(job) {
      // Without any file there is no schema, and nothing to write; the columns of a join are those of its sides.
      if (isUntyped(task) && !conversions.dataset && !job.sides && job.files.length === 0) return nothing
      const sided = { ...job, usedSides: await used.ofSides(job.sides) }
      return convert(await conversions.forFiles(sided), sided)
    },
    progress: () => ({
      fraction: Math.min(1, Math.max(0, connection.progress.percentage / 100)),
      isTransformed: task.steps.length > 0,
      rowsRead: counter.rows() > 0 ? counter.rows() : undefined,
    }),
    findFault: async job => findFault(await conversions.forFiles(job), job),
    heaviestKeys: files => heaviestKeys(connection, task, files),
    combine: (files, options) => combine(connection, task, files, { ...options, memoryBytes: engine.memoryBytes }),
    merge: (files, options) => merge(connection, conversions.latest ?? task, files, options),
  }
}

const nothing: Converted = { kind: 'parts', ...noRejects, parts: [], rowsRead: 0, rowsWritten: 0 }

async function merge(
  connection: DuckDBConnection,
  { parts, written }: Pick<EngineTask, 'parts'> & { readonly written?: readonly SchemaColumn[] },
  files: readonly string[],
  { target, fileRows }: MergeOptions,
): Promise<readonly SharePart[]> {
  const sql = `SELECT * FROM ${scan(files)}`
  // A thread that has converted nothing yet knows the columns only by the files.
  const columns: readonly { readonly type: unknown }[] = written ?? columnsOf(await connection.run(`${sql} LIMIT 0`))
  const query = { sql, values: [], types: columns.map(({ type }) => String(type)) }
  const [file = ''] = files
  const split = fileRows === undefined ? undefined : { file, fileRows }
  const merged = await writeParts(connection, query, target, { ...parts, split })
  if (merged.length === 0) throw new FanmillError('ENGINE_FAILED', 'the engine wrote no file', { target })
  return merged
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
