/** Turns staged text into parts: fast when everything fits, else carefully, with rejects. */
import { rmSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Format } from '../define/definition.ts'
import { CapacityError, FanmillError, PermanentError } from '../errors/errors.ts'
import { hiveValues } from '../paths/hive-columns.ts'
import type { PartitionLimits } from '../paths/partition-limits.ts'
import type { StagedFile, StagedMember } from '../stage/stage.ts'
import type { BoundQuery } from './duckdb/bound-query.ts'
import { engineFault } from './duckdb/engine.ts'
import { quoteText } from './duckdb/quote.ts'
import { readCarefully, sourcesOf } from './read/careful-input.ts'
import { describeParquet } from './read/parquet-describe.ts'
import { checkReadable, type ParquetOptions, parquetRead } from './read/parquet-read.ts'
import type { RowCounter } from './read/row-counter.ts'
import { fastRead, type ReadOptions } from './read/typed-read.ts'
import { isReadable } from './read/utf8-text.ts'
import { NeedsMember, RowRejected } from './transform/map-context.ts'
import { learnOrThrow, type MapFunctions } from './transform/map-function.ts'
import { collectCodeRejects } from './transform/placed-transform.ts'
import { allPass, type BoundCheck } from './transform/row-checks.ts'
import { applyTransform, type CheckedTransform } from './transform/transform.ts'
import { type PartitionKeys, TooManyKeys } from './write/partition-keys.ts'
import { type KeptRejects, keepRejects } from './write/reject-rows.ts'
import { explainTooMany } from './write/too-many-partitions.ts'
import { type PartOptions, type WrittenPart, writeParts } from './write/write-parts.ts'

/** What stays the same from one conversion of a task to the next. */
export interface Conversion {
  readonly connection: DuckDBConnection
  readonly counter: RowCounter
  /** Rows that fit, whether or not they pass the checks. */
  readonly fitCounter: RowCounter
  readonly maps: MapFunctions
  readonly read: ReadOptions
  /** Given when the files are Parquet. */
  readonly parquet?: ParquetOptions
  /** What rows must be that fit. */
  readonly checks: readonly BoundCheck[]
  readonly transform: CheckedTransform
  readonly format: Format
  readonly parts: PartOptions
  /** Given when the output has partitions. */
  readonly keys?: PartitionKeys | undefined
}

export interface ConvertJob {
  /** Staged text of any headers, or whole Parquet files. */
  readonly files: readonly StagedFile[]
  /** Path for the parts, without ending; nothing is there yet. */
  readonly target: string
  /** Keep what does not fit as rejects: the text must be staged located. */
  readonly isCareful: boolean
  /** Only records up to this number of their member; careful conversions only. */
  readonly lastRecord?: number
  /** Default folders as long as the engine's file system allows, and partitions counted by conversion. */
  readonly partitionLimits?: PartitionLimits | undefined
  /** Only to see whether it fails: partitions are not written apart. Default false. */
  readonly isTrial?: boolean
}

/**
 * `locate`: something does not fit; stage the same text located and convert it carefully.
 * `byMember`: a map function asks for its row's member; stage a file a member, and convert them one by one.
 */
export type Converted =
  | ConvertedParts
  | { readonly kind: 'locate'; readonly cause: Error }
  | { readonly kind: 'byMember' }

export interface ConvertedParts extends KeptRejects {
  readonly kind: 'parts'
  readonly parts: readonly WrittenPart[]
  /** Rows that entered the transform. */
  readonly rowsRead: number
  readonly rowsWritten: number
}

/** @throws TRANSFORM_FAILED, INPUT_INVALID for what is no Parquet, OUT_OF_MEMORY, DISK_FULL, ENGINE_FAILED, TOO_MANY_PARTITIONS, PARTITION_TOO_LONG, ABORTED */
export async function convert(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  conversion.maps.enter(originOf(job.files))
  try {
    await nameMembers(conversion.connection, job)
    return job.isCareful ? await carefully(conversion, job) : await quickly(conversion, job)
  } catch (error) {
    if (error instanceof NeedsMember) return { kind: 'byMember' }
    // Functions have rejected from now on: the next careful conversion collects what they reject.
    if (error instanceof RowRejected) return job.isCareful ? convert(conversion, job) : { kind: 'locate', cause: error }
    const fault = error instanceof FanmillError ? error : manyPartitionsFault(engineFault(error), conversion)
    if (!(fault instanceof FanmillError) || fault.code !== 'ENGINE_FAILED') throw fault
    const { parquet, connection } = conversion
    if (parquet && job.isCareful) await checkReadable(connection, await describeParquet(connection, job.files), parquet)
    if (!parquet && !misfitFault.test(fault.message)) throw fault
    if (!job.isCareful) return { kind: 'locate', cause: fault }
    throw misfitFault.test(fault.message) ? transformFault(conversion, fault) : fault
  }
}

/** Each partition has buffers of its own: too many of them are a likelier cause than too little memory. */
function manyPartitionsFault(fault: Error, { keys, parts }: Conversion): Error {
  const partitions = keys?.met.length ?? 0
  if (!(fault instanceof CapacityError) || fault.code !== 'OUT_OF_MEMORY' || partitions < 100) return fault
  const message = `${fault.message}; or partition by something coarser than ${parts.partitionBy.join(', ')}, which gives ${partitions} partitions here`
  return new CapacityError(fault.code, message, { ...fault.detail, partitions }, { cause: fault.cause })
}

/** The engine's faults that a text may be the cause of, also by a record longer than a buffer; a careful conversion tells whether it was. */
const misfitFault =
  /^(Conversion|Invalid Input|Out of Range|Invalid) Error|^Not implemented Error: The Parallel CSV Reader/

/** The one member or file that all text is of, if it is one. */
function originOf(files: readonly StagedFile[]): Pick<StagedMember, 'archive' | 'member'> | undefined {
  const [first, ...others] = files.flatMap(file => file.members)
  return others.every(each => each.archive === first?.archive && each.member === first.member) ? first : undefined
}

async function quickly(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { counter, read, parquet, connection, transform, format } = conversion
  if (format.kind !== 'parquet' && !isReadable(job.files, format, read.columns))
    return { kind: 'locate', cause: new PermanentError('INPUT_ENCODING', 'expected UTF-8, got a text that is not') }
  const guard = transform.steps.length > 0 ? counter.name : undefined
  const input = parquet
    ? parquetRead(await describeParquet(connection, job.files), parquet, guard)
    : fastRead(sourcesOf(conversion, job, 'fail', !read.strict), read, guard)
  const parts = await write(conversion, raiseFailing(input, conversion.checks), job)
  const rowsWritten = sumRows(parts)
  const seen = guard ? counter.rows() : rowsWritten
  const rowsRead = guard && seen < recordsOf(job) ? await readAll(conversion, input) : seen
  return { kind: 'parts', parts, rowsRead, rowsWritten, rowsRejected: 0, rejectedByMember: {}, rejects: [] }
}

/** Rows that fail a check end the fast reading, as misfits do. */
const raiseFailing = (input: string, checks: readonly BoundCheck[]): string =>
  checks.length === 0
    ? input
    : `SELECT * FROM (${input}) WHERE CASE WHEN ${allPass(checks)} THEN true ELSE error('fanmill: a row fails a check') END`

async function carefully(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { connection, counter, transform, maps } = conversion
  const reading = await readCarefully(conversion, job)
  const hasCodeRejects = maps.hasRejected
  if (hasCodeRejects) {
    const begin = async (): Promise<void> => void (await connection.run(dropErrors))
    const file = `${job.target}.code-rejects`
    await collectCodeRejects(connection, reading.placed, { transform, maps, file, begin })
  }
  const { input, rejected } = reading.input(hasCodeRejects)
  const parts = await write(conversion, input, job).catch((error: unknown) => {
    throw hasCodeRejects && error instanceof RowRejected ? unsteady() : error
  })
  const keep = async (rowsRead: number): Promise<ConvertedParts> => {
    await connection.run(errorTable)
    const rejects = await keepRejects(connection, rejected, `${job.target}.rejects`)
    return { kind: 'parts', parts, rowsRead, rowsWritten: sumRows(parts), ...rejects }
  }
  const kept = await keep(counter.rows())
  const isWhole = kept.rowsRead + kept.rowsRejected >= recordsOf(job)
  if (isWhole || job.lastRecord !== undefined) return kept
  return keep(await readAll(conversion, input))
}

/** The rejects were collected, and their records left out. */
const unsteady = (): PermanentError =>
  new PermanentError(
    'TRANSFORM_FAILED',
    'expected functions to reject the same rows each time that they are called, got a reject of a row that passed before; decide by the row alone, not by rows before it',
  )

/** Records as they were counted apart from the scan. */
const recordsOf = ({ files }: ConvertJob): number => files.reduce((sum, { records }) => sum + records, 0)

/** A transform may stop reading early: a condition that is never true, an empty table. The rest is read, checked and counted too. */
async function readAll({ connection, counter }: Conversion, input: string): Promise<number> {
  await connection.run(dropErrors)
  counter.reset()
  await connection.run(`SELECT count(*) FROM (${input})`)
  return counter.rows()
}

/** The scan makes this table when it meets a bad record; without any, there is none. */
const errorTable = `CREATE TEMP TABLE IF NOT EXISTS fanmill_errors (file_id UBIGINT, line UBIGINT, byte_position UBIGINT,
  column_name VARCHAR, error_type VARCHAR, csv_line VARCHAR, error_message VARCHAR)`

const dropErrors = 'DROP TABLE IF EXISTS fanmill_errors; DROP TABLE IF EXISTS fanmill_scans'

/** Built again each time that a map function taught something, at most once a column and once for the row count. */
async function write(conversion: Conversion, input: string, job: ConvertJob): Promise<WrittenPart[]> {
  const { connection, counter, transform, maps, parts, keys } = conversion
  const { target, isTrial, partitionLimits = unlimited } = job
  for (;;) {
    await connection.run(dropErrors)
    counter.reset()
    keys?.begin(partitionLimits)
    const query = applyTransform(input, transform, maps)
    try {
      const fileBytes = keys || isTrial ? undefined : parts.partBytes
      return await writeParts(connection, query, target, { ...parts, keys, isTrial, fileBytes })
    } catch (error) {
      for (const path of [target, `${target}.parquet`]) rmSync(path, { recursive: true, force: true })
      if (keys && error instanceof TooManyKeys) throw await explained(conversion, keys, query, job)
      learnOrThrow(maps, error)
    }
  }
}

const unlimited: PartitionLimits = { folderBytesMax: Number.POSITIVE_INFINITY }

/** What the count makes map functions learn, or fail of, says nothing of the partitions. */
async function explained(
  { parts, maps, parquet }: Conversion,
  keys: PartitionKeys,
  query: BoundQuery,
  { files }: ConvertJob,
): Promise<PermanentError> {
  const { partitionBy, partitionsMax } = parts
  const fault = await explainTooMany(keys, query, {
    partitionBy,
    partitionsMax,
    files,
    isParquet: parquet !== undefined,
  })
  maps.takeFault()
  return fault
}

/** All that is read fits, so that it was a statement of the user's. */
function transformFault({ transform }: Conversion, fault: FanmillError): FanmillError {
  if (!transform.steps.some(({ step }) => step.kind === 'sql')) return fault
  const { message, publicMessage, detail, cause } = fault
  const tell = (words: string): string => `the transform's SQL failed: ${words}`
  const options = { cause, publicMessage: publicMessage && tell(publicMessage) }
  return new PermanentError('TRANSFORM_FAILED', tell(message), detail, options)
}

/** Names of the staged members, which the located prefix counts over all files of a stage: those given here are without gaps. */
async function nameMembers(connection: DuckDBConnection, { files, isCareful }: ConvertJob): Promise<void> {
  if (!isCareful && !files.some(file => file.located)) return
  const members = files.flatMap(file => file.members).sort((a, b) => a.index - b.index)
  const list = members.map(
    ({ archive, member }) =>
      `{'archive': ${quoteText(archive)}, 'member': ${quoteText(member)}, 'hive': ${hiveMap(archive)}}`,
  )
  await connection.run(
    `SET VARIABLE fanmill_members = [${list.join(', ')}]; SET VARIABLE fanmill_first_member = ${members[0]?.index ?? 0}`,
  )
}

/** The columns in a path, as a map of texts. */
function hiveMap(archive: string): string {
  const entries = Object.entries(hiveValues(archive)).map(
    ([name, value]) => `${quoteText(name)}: ${value === null ? 'NULL' : quoteText(value)}`,
  )
  return `MAP {${entries.join(', ')}}::MAP(VARCHAR, VARCHAR)`
}

const sumRows = (parts: readonly WrittenPart[]): number => parts.reduce((sum, part) => sum + part.rows, 0)
