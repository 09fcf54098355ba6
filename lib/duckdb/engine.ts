/** One DuckDB for one worker thread, of one thread unless it works for all CPUs. It is opened once, loads tables, and is then locked. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js'
import { bucketsMax } from '../define/steps/exchange.ts'
import { CapacityError, FanmillError, PermanentError } from '../errors/errors.ts'
import { hashVectors } from '../model/bucket-hash.ts'
import { quoteText, quoteTexts } from './quote.ts'

export interface EngineOptions {
  /** The only folders that SQL can read or write, once locked. */
  readonly folders: readonly string[]
  /** Folder for spills: one of `folders`, or below one. */
  readonly tempFolder: string
  /** Upper bound of the engine's buffers. Beyond it the engine spills, and finally fails with OUT_OF_MEMORY. */
  readonly memoryBytes: number
  /** Threads of a query; default 1, because each worker thread has an engine of its own. */
  readonly threads?: number
  /** Rows are written into files of many buckets at once. Default false. */
  readonly writesBuckets?: boolean
  /** Parquet files of other programs are read, whose statistics may be wrong. Default false. */
  readonly readsForeign?: boolean
  /** The engine that was started already, with `memoryBytes` for each of its threads; default it is started. */
  readonly starting?: StartingEngine
  /** Runs before locking: loads the broadcast tables. */
  readonly load?: (connection: DuckDBConnection) => Promise<void>
}

/** The engine of one thread, which runs one query at a time. */
export interface Engine {
  /** The connection for the queries of a task: it reports their progress, and can bound row groups by bytes. */
  readonly task: DuckDBConnection
  /** Opens a further connection. */
  connect(): Promise<DuckDBConnection>
  /** Upper bound of its buffers, for each of its threads where it works for all CPUs. */
  readonly memoryBytes: number
  /** Writes files of many buckets with few rows in memory, for wide rows; absent where no buckets are written. */
  readonly wideRows?: DuckDBConnection | undefined
  /** Ends the running query with ABORTED. */
  interrupt(): void
  close(): void
}

/** An engine that starts while its thread does other work. */
export interface StartingEngine {
  /** Returns the instance, which belongs to the caller from then on. */
  take(): Promise<DuckDBInstance>
  /** Closes an instance that nobody took. Until then the thread must not end: the process would abort. */
  discard(): Promise<void>
}

/** Begins to start an engine. */
export function startEngine({
  threads = 1,
  memoryBytes,
}: Pick<EngineOptions, 'threads' | 'memoryBytes'>): StartingEngine {
  const instance = DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${Math.floor(memoryBytes / 1_048_576)}MiB`,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  // Whoever takes it gets the error, which must not end the process before.
  instance.catch(() => undefined)
  let close: ((started: DuckDBInstance) => void) | undefined = started => started.closeSync()
  return {
    take() {
      close = undefined
      return instance
    },
    async discard() {
      if (close) await instance.then(close, () => undefined)
    },
  }
}

/** Runs `work` with an engine, and closes the engine when it ends. */
export async function useEngine<T>(opening: Promise<Engine>, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await opening
  try {
    return await work(engine)
  } finally {
    engine.close()
  }
}

/** Opens, loads and locks an engine. @throws ENGINE_FAILED; INPUT_INVALID when a table does not load */
export async function openEngine({ starting, ...options }: EngineOptions): Promise<Engine> {
  keepByteOrderMarks()
  const instance = await (starting ?? startEngine(options)).take()
  const open = new Set<DuckDBConnection>()
  const connect = async (): Promise<DuckDBConnection> => {
    const connection = await instance.connect()
    open.add(connection)
    return connection
  }
  const close = (): void => {
    for (const connection of open) connection.closeSync()
    instance.closeSync()
  }
  const first = await connect()
  // Locked connections allow no settings any more, so that of the task is prepared now.
  const task = await connect()
  const wideRows = options.writesBuckets ? await connect() : undefined
  try {
    for (const statement of [
      ...progressSettings,
      ...rowGroupSettings(options),
      ...bucketSettings(options, waitingRowBytes),
    ])
      await task.run(statement)
    for (const statement of bucketSettings(options, wideRowBytes)) await wideRows?.run(statement)
    for (const statement of settings(options)) await first.run(statement)
    if (options.writesBuckets) await checkHash(first)
    await options.load?.(first)
    for (const statement of locks(options)) await first.run(statement)
  } catch (error) {
    close()
    throw error instanceof FanmillError ? error : engineFault(error)
  }
  return {
    task,
    connect,
    memoryBytes: options.memoryBytes,
    wideRows,
    interrupt: () => {
      for (const connection of open) connection.interrupt()
    },
    close,
  }
}

/** Checks that this engine hashes keys as the others of a run do. @throws ENGINE_FAILED */
async function checkHash(connection: DuckDBConnection): Promise<void> {
  const values = hashVectors.map(([value]) => `CAST(hash(hash(${value})) AS VARCHAR)`)
  const [hashes = []] = (await connection.runAndReadAll(`SELECT ${values.join(', ')}`)).getRows()
  const wrong = hashVectors.findIndex(([, hash], index) => hashes[index] !== hash)
  const [value, expected] = hashVectors[wrong] ?? []
  if (value === undefined) return
  const message = `expected the hash ${expected} of ${value}, got ${String(hashes[wrong])}; keys would go to other buckets than in other batches: use the engine's version that this package names`
  throw new PermanentError('ENGINE_FAILED', message, { value, expected })
}

/**
 * Keeps U+FEFF at the beginning of texts, which the engine's library would drop as if it were the byte order mark of a file: replaces the
 * library's decoder, which all its vectors look up at each value.
 */
function keepByteOrderMarks(): void {
  const library = accessors as { textDecoder: typeof accessors.textDecoder }
  if (!library.textDecoder.ignoreBOM) library.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
}

const settings = (options: EngineOptions): string[] => [
  `SET temp_directory = ${quoteText(options.tempFolder)}`,
  // GLOBAL sets it for all connections. Otherwise only one would have it, and the others the time zone of the machine.
  "SET GLOBAL TimeZone = 'UTC'",
  // Files are read once. Keeping what was read would copy it, and would take memory that the rows need.
  'SET enable_external_file_cache = false',
  `SET disabled_optimizers = ${quoteText(disabledOptimizers(options))}`,
]

/** Makes `connection.progress` available from the start of a query, without printing it. */
const progressSettings = [
  'SET enable_progress_bar = true',
  'SET enable_progress_bar_print = false',
  'SET progress_bar_time = 0',
]

/**
 * Makes ROW_GROUP_SIZE_BYTES possible. With one thread rows stay in their order without this setting too, except between the queries of a
 * UNION ALL. Engines whose number of threads is set are not for writing parts, and their answers are shown in order.
 */
const rowGroupSettings = ({ threads }: EngineOptions): string[] =>
  threads === undefined ? ['SET SESSION preserve_insertion_order = false'] : []

/** Rows that wait to be written are at most a quarter of the memory, if one takes a few hundred bytes. */
const waitingRowBytes = 256
/** Fewer would make files of many tiny row groups. */
const waitingRowsMin = 2048
/** The same for rows that did not fit. */
const wideRowBytes = 16_384

/** With the defaults, the engine closes files and begins new ones: 3 million rows in 500 buckets became 2,505 files instead of 500. */
const bucketSettings = ({ writesBuckets = false, memoryBytes }: EngineOptions, rowBytes: number): string[] => {
  if (!writesBuckets) return []
  const rows = Math.max(waitingRowsMin, Math.floor(memoryBytes / 4 / rowBytes))
  return [`SET partitioned_write_max_open_files = ${bucketsMax}`, `SET partitioned_write_flush_threshold = ${rows}`]
}

/** Returns the names of optimizers that would change results, or read rows that are not needed. */
const disabledOptimizers = ({ writesBuckets, readsForeign }: EngineOptions): string =>
  [
    // Late materialization would read the first rows of an input by a join with their positions.
    ...(writesBuckets ? ['late_materialization'] : []),
    // The engine leaves out rows by the statistics of a file, and sorts integers in as many bits as their maximum needs. Other writers leave
    // NaN out of statistics, though it is the greatest number, and some write wrong ones: rows would be lost, or in the wrong order.
    ...(readsForeign ? ['statistics_propagation'] : []),
  ].join(',')

const locks = (options: EngineOptions): string[] => [
  `SET allowed_directories = ${quoteTexts(options.folders)}`,
  'SET enable_external_access = false',
  'SET lock_configuration = true',
]

/** Returns an error of the engine as one of Fanmill's; `context` is added to the detail. */
export function engineFault(error: unknown, context: Readonly<Record<string, unknown>> = {}): Error {
  const message = error instanceof Error ? error.message : String(error)
  const line = (message.split('\n')[0] ?? message).slice(0, 500)
  const options = { cause: error }
  if (/max_temp_directory_size/.test(message))
    return new CapacityError(
      'DISK_FULL',
      `the engine's temporary files have no more room: ${line}; free some space in the temporary folder, or raise --memory (on AWS: tiers with more temporary storage)`,
      context,
      options,
    )
  if (/^Out of Memory|failed to allocate|bad_alloc/i.test(message))
    return new CapacityError(
      'OUT_OF_MEMORY',
      `the engine ran out of its memory: ${line}; raise --memory or lower --workers (on AWS: tiers with more memory)`,
      context,
      options,
    )
  if (/No space left on device|disk is full/i.test(message))
    return new CapacityError('DISK_FULL', `the disk is full: ${line}; free some space`, context, options)
  if (/^INTERRUPT/i.test(message)) return new PermanentError('ABORTED', 'the run was stopped', context, options)
  const summary = summaryOf(message)
  const detail = summary === undefined ? context : { ...context, received: line }
  return new PermanentError('ENGINE_FAILED', summary ?? line, detail, options)
}

/** Faults about statements and files, whose messages quote no row. */
const valueless = /^(Binder|Catalog|Parser|Syntax|IO|Permission|Not implemented|Transaction|Connection) Error/

/** Returns the kind of a fault whose words may quote a row; undefined where they quote none. */
function summaryOf(message: string): string | undefined {
  const [kind] = /^[A-Z][A-Za-z ]* Error(?=:)/.exec(message) ?? []
  if (kind === undefined || valueless.test(kind)) return undefined
  const [, line] = /on Line: (\d+)/.exec(message) ?? []
  return `${kind}${line ? ` on line ${line}` : ''}`
}
