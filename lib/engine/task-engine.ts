/** One task in one worker's engine: its transform checked and bound once, then one conversion after another. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type {
  Columns,
  Format,
  MapBatchesStep,
  MapRowsStep,
  RowCheck,
  Step,
  TaskDefinition,
} from '../define/definition.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { nearestOrAll } from '../errors/nearest.ts'
import { placeOf } from '../model/member-place.ts'
import type { LoadingRun } from '../model/share.ts'
import { hiveColumns } from '../paths/hive-columns.ts'
import type { StagedFile } from '../stage/stage.ts'
import { type Conversion, type Converted, type ConvertJob, convert } from './convert.ts'
import type { Engine } from './duckdb/engine.ts'
import { quoteName, quoteTexts } from './duckdb/quote.ts'
import { findFault } from './find-fault.ts'
import { sqlType } from './read/column-sql.ts'
import { describeParquet, ownColumns } from './read/parquet-describe.ts'
import { enterRun } from './read/provenance-sql.ts'
import { declaredColumns, emptyRead, type ReadColumn } from './read/read-columns.ts'
import { registerRowCounter } from './read/row-counter.ts'
import { fastRead } from './read/typed-read.ts'
import { createMapFunctions } from './transform/map-function.ts'
import { bindChecks } from './transform/row-checks.ts'
import { checkTransform, type SchemaColumn } from './transform/transform.ts'
import { registerPartitionKeys } from './write/partition-keys.ts'
import { type PartOptions, type WrittenPart, writeParts } from './write/write-parts.ts'

/** What the engine needs to know of a task, with the functions of params already called. */
export interface EngineTask {
  readonly format: Format
  readonly columns: Columns
  readonly steps: readonly Step[]
  /** The names of the broadcast tables, which the engine has loaded. */
  readonly tables: readonly string[]
  readonly strict: boolean
  readonly provenance: readonly string[]
  readonly keepNew: boolean
  /** Names of columns in the paths of the inputs that are known before there is any. Default none. */
  readonly hive?: readonly string[]
  /** Whether inputs' paths are looked at for columns. Default true. */
  readonly readsHive?: boolean
  /** Whether `check` is called apart, or the first conversion checks the transform. Default false. */
  readonly isCheckedLater?: boolean
  /** Of Parquet files and JSON lines; the headers of text are checked when it is staged. Default `ignore`. */
  readonly onNewColumn?: TaskDefinition['onNewColumn']
  /** Of Parquet files; default `fail`. */
  readonly onMissingColumn?: TaskDefinition['onMissingColumn']
  readonly parts: PartOptions
  /** Default none. */
  readonly checks?: readonly RowCheck[]
}

export interface TaskEngine {
  /** The columns that come out, with the engine's names of their types; none yet where only the first Parquet file will tell. */
  readonly schema: readonly { readonly name: string; readonly type: string }[]
  /** Checks the transform over the declared columns and those in the paths of the inputs. @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID */
  check(inPath?: readonly string[]): Promise<void>
  /** A map function has asked for its row's member: conversions must be of one member each. */
  readonly isByMember: boolean
  /** Makes known which run the next conversions are of. */
  enterRun(run: LoadingRun): Promise<void>
  convert(job: ConvertJob): Promise<Converted>
  /** How far the query is that runs now. */
  progress(): EngineProgress
  /** The failure of a transform once more, with archive, member and line. */
  findFault(job: Omit<ConvertJob, 'isCareful'>): Promise<FanmillError | undefined>
  /** One Parquet file of several with the same columns, in their order or sorted as the output is; or several of `fileRows` rows each. */
  merge(files: readonly string[], options: MergeOptions): Promise<readonly WrittenPart[]>
}

export interface EngineProgress {
  /** Of the rows that are read: 0 to 1. */
  readonly fraction: number
  /** Rows that entered the transform; absent without one, where every row that is read is written. */
  readonly rowsRead?: number
}

export interface MergeOptions {
  /** Path for the files, without ending; nothing is there yet. */
  readonly target: string
  /** Rows of each file; default all in one. */
  readonly fileRows?: number | undefined
}

/**
 * The task's transform is checked against empty typed inputs as it opens, or later by `check`; without declared
 * columns, against the first Parquet file. @throws SQL_INVALID, SQL_NOT_ROWWISE, DEFINITION_INVALID
 */
export async function openTask(engine: Engine, task: EngineTask, context: unknown): Promise<TaskEngine> {
  const connection = await engine.connect()
  const adds = await addedColumns(connection, task.steps)
  const maps = createMapFunctions(connection, context, step => adds.get(step) ?? [])
  const tools = {
    connection,
    maps,
    counter: registerRowCounter(connection),
    fitCounter: registerRowCounter(connection, 'fanmill_fit'),
    // Once for the connection: conversions of other path columns call the same functions.
    keys: task.parts.partitionBy.length > 0 ? registerPartitionKeys(connection, task.parts) : undefined,
    memoryBytes: engine.memoryBytes,
  }
  const isUntyped = task.format.kind === 'parquet' && Object.keys(task.columns).length === 0
  const byPath = new Map<string, Conversion>()
  let conversion: Conversion | undefined
  let own: readonly ReadColumn[] | undefined
  const conversionWith = async (inPath: readonly string[]): Promise<Conversion> => {
    const key = JSON.stringify(inPath)
    const found = byPath.get(key) ?? (await prepare(withPath(task, inPath), tools, own))
    byPath.set(key, found)
    conversion = found
    return found
  }
  const conversionFor = async (files: readonly StagedFile[]): Promise<Conversion> => {
    if (isUntyped) own = await sharedColumns(connection, files, own)
    return conversionWith(files.length > 0 ? pathColumns(task, files) : (task.hive ?? []))
  }
  if (!isUntyped && !task.isCheckedLater) await conversionWith(task.hive ?? [])
  return {
    get schema() {
      return (conversion?.transform.schema ?? []).map(({ name, type }) => ({ name, type: String(type) }))
    },
    get isByMember() {
      return maps.isByMember
    },
    async check(inPath = task.hive ?? []) {
      if (!isUntyped) await conversionWith(inPath)
    },
    enterRun: run => enterRun(connection, run),
    async convert(job) {
      // Without any file there is no schema, and nothing to write.
      if (isUntyped && job.files.length === 0) return nothing
      return convert(await conversionFor(job.files), job)
    },
    progress() {
      const fraction = Math.min(1, Math.max(0, connection.progress.percentage / 100))
      return { fraction, ...(task.steps.length > 0 && { rowsRead: tools.counter.rows() }) }
    },
    findFault: async job => findFault(await conversionFor(job.files), job),
    merge: (files, options) => merge(connection, conversion?.parts ?? task.parts, files, options),
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

/** The columns that all files have. @throws INPUT_INVALID when they differ */
async function sharedColumns(
  connection: DuckDBConnection,
  files: readonly StagedFile[],
  earlier?: readonly ReadColumn[],
): Promise<readonly ReadColumn[]> {
  const described = await describeParquet(connection, files)
  // One of each kind: there may be thousands of files.
  const kinds = [...new Map(described.map(file => [file.schemaKey, file])).values()]
  const columns = earlier ?? (kinds[0] ? ownColumns(kinds[0]) : [])
  const known = columnsText(columns)
  for (const other of kinds) {
    const own = columnsText(ownColumns(other))
    if (own === known) continue
    const { archive, member } = other.origin
    throw new PermanentError(
      'INPUT_INVALID',
      `${placeOf(other.origin)}: expected the columns ${known} as in the files before it, got ${own}; declare the columns of the task`,
      { archive, member },
    )
  }
  return columns
}

const columnsText = (columns: readonly ReadColumn[]): string =>
  columns
    .map(({ name, type }) => `${name} ${type}`)
    .sort()
    .join(', ')

interface PathTask extends EngineTask {
  readonly hive: readonly string[]
}

/** The task with the columns in the path that it does not declare as texts. */
function withPath(task: EngineTask, inPath: readonly string[]): PathTask {
  const added = inPath.filter(name => !Object.hasOwn(task.columns, name))
  const texts = added.map(name => [name, { kind: 'column', type: 'string' }] as const)
  const declared = Object.keys(task.columns)
  return {
    ...task,
    columns: { ...task.columns, ...Object.fromEntries(texts) },
    hive: [...declared, ...added].filter(name => inPath.includes(name)),
  }
}

/** All columns in the paths of these files. @throws INPUT_INVALID */
function pathColumns({ columns, readsHive = true }: EngineTask, files: readonly StagedFile[]): readonly string[] {
  if (!readsHive) return []
  const archives = files.flatMap(file => file.members.map(({ archive }) => archive))
  return hiveColumns(archives, Object.keys(columns))
}

type Tools = Pick<Conversion, 'connection' | 'maps' | 'counter' | 'fitCounter' | 'keys'> & {
  readonly memoryBytes: number
}

/** `own` are the columns of Parquet files where none are declared. */
async function prepare(
  task: PathTask,
  { memoryBytes, ...tools }: Tools,
  own?: readonly ReadColumn[],
): Promise<Conversion> {
  const columns = [...(own ?? []), ...declaredColumns(task.columns)]
  const { hive, format, strict, keepNew, provenance, onNewColumn = 'ignore', onMissingColumn = 'fail', parts } = task
  const read = { columns: task.columns, strict, keepNew, provenance, hive, refuseNew: onNewColumn === 'fail' }
  const parquet = { columns, strict, keepNew, provenance, hive, onNewColumn, onMissingColumn }
  const empty = format.kind === 'parquet' ? emptyRead(columns, parquet) : fastRead([], read)
  const given = { input: empty, maps: tools.maps, tables: task.tables }
  const transform = await checkTransform(tools.connection, { ...given, steps: task.steps })
  checkOutput(parts, transform.schema)
  const checks = await bindChecks(tools.connection, given, task.checks ?? [])
  const room = { columns: Math.max(columns.length, transform.schema.length), memoryBytes }
  const writing = { parts: { ...parts, room }, ...(format.kind === 'parquet' && { parquet }) }
  return { ...tools, read, checks, transform, format, ...writing }
}

/** The engine's types of the columns that map steps add. */
async function addedColumns(
  connection: DuckDBConnection,
  steps: readonly Step[],
): Promise<Map<MapRowsStep | MapBatchesStep, readonly SchemaColumn[]>> {
  const added = new Map<MapRowsStep | MapBatchesStep, readonly SchemaColumn[]>()
  for (const step of steps) {
    if (step.kind === 'sql') continue
    const columns = Object.entries(step.adds).map(
      ([name, column]) => `CAST(NULL AS ${sqlType(column)}) AS ${quoteName(name)}`,
    )
    if (columns.length === 0) continue
    const result = await connection.run(`SELECT ${columns.join(', ')}`)
    added.set(
      step,
      result.columnNames().map((name, index) => ({ name, type: result.columnType(index) })),
    )
  }
  return added
}

function checkOutput(parts: PartOptions, schema: readonly SchemaColumn[]): void {
  const names = schema.map(column => column.name)
  for (const option of ['partitionBy', 'sortBy'] as const)
    for (const name of parts[option]) {
      if (names.includes(name)) continue
      throw new PermanentError(
        'DEFINITION_INVALID',
        `output.${option}: expected columns that the transform gives, got ${name}; ${nearestOrAll(name, names)}`,
        { option, name, names },
      )
    }
  const wide = schema.find(column => /HUGEINT/.test(String(column.type)))
  if (wide)
    throw new PermanentError(
      'DEFINITION_INVALID',
      `column ${wide.name}: expected a type that Parquet has, got ${String(wide.type)}; cast it to BIGINT or DECIMAL(38, 0)`,
      { column: wide.name },
    )
  const bytes = schema.find(({ name, type }) => parts.partitionBy.includes(name) && String(type) === 'BLOB')
  if (bytes)
    throw new PermanentError(
      'DEFINITION_INVALID',
      `output.partitionBy: expected columns that have a text, got ${bytes.name} of binary; make a text of it with hex() in the transform`,
      { column: bytes.name },
    )
  if (parts.partitionBy.length > 0 && parts.partitionBy.length === names.length)
    throw new PermanentError(
      'DEFINITION_INVALID',
      'output.partitionBy: expected at least one column that is no partition, got all of them',
      { names },
    )
}

async function merge(
  connection: DuckDBConnection,
  parts: PartOptions,
  files: readonly string[],
  { target, fileRows }: MergeOptions,
): Promise<readonly WrittenPart[]> {
  const query = { sql: `SELECT * FROM read_parquet(${quoteTexts(files)}, hive_partitioning = false)`, values: [] }
  const written = await writeParts(connection, query, target, { ...parts, partitionBy: [], fileRows })
  if (written.length === 0) throw new FanmillError('ENGINE_FAILED', 'the engine wrote no file', { target })
  return written
}

export type { StagedFile }
