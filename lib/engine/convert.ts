/** Turns staged text into parts: fast when everything fits, else carefully, with rejects. */
import { isText } from '../define/formats/format-kind.ts'
import { FanmillError, PermanentError } from '../errors/errors.ts'
import { onlyPlace } from '../model/member-place.ts'
import type { SharePart } from '../model/share.ts'
import { type Conversion, type Converted, type ConvertedParts, type ConvertJob, recordCount } from './conversion.ts'
import { conversionFault, isMisfitFault, noRecord, transformFault, unsteadyRejects } from './conversion-fault.ts'
import { readCarefully, sourcesOf } from './read/careful-input.ts'
import { countRows, exchangeRead, rowsOf } from './read/exchange-read.ts'
import { joinRead } from './read/join-read.ts'
import { describeParquet } from './read/parquet/describe.ts'
import { checkReadable, needsGuard, parquetRead } from './read/parquet/read.ts'
import { setStagedMembers } from './read/staged-members.ts'
import { isReadable } from './read/text/utf8-text.ts'
import { fastRead } from './read/typed-read.ts'
import { NeedsMember, RowRejected } from './transform/map-context.ts'
import { collectCodeRejects } from './transform/placed-transform.ts'
import { raiseFailing } from './transform/row-checks.ts'
import { dropScanErrors, keepRejects, noRejects } from './write/reject-rows.ts'
import { writeTransformed } from './write/write-transformed.ts'

/** @throws TRANSFORM_FAILED, INPUT_INVALID when a file is not Parquet, OUT_OF_MEMORY, DISK_FULL, ENGINE_FAILED, TOO_MANY_PARTITIONS, PARTITION_TOO_LONG, ABORTED */
export async function convert(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { connection, counter, maps, parquet } = conversion
  const { files, isCareful } = job
  const members = files.flatMap(file => file.members)
  maps.enter(onlyPlace(members))
  counter.skip(0)
  try {
    if (isCareful || files.some(file => file.located)) await setStagedMembers(connection, members)
    return isCareful ? await carefully(conversion, job) : await quickly(conversion, job)
  } catch (error) {
    if (error instanceof NeedsMember) return { kind: 'byMember' }
    // From now on it is known that functions reject rows: the next careful conversion collects the rejects.
    if (error instanceof RowRejected && conversion.exchanged) throw noRecord(error)
    if (error instanceof RowRejected) return isCareful ? convert(conversion, job) : { kind: 'locate', cause: error }
    const fault = conversionFault(error, conversion)
    if (!(fault instanceof FanmillError) || fault.code !== 'ENGINE_FAILED') throw fault
    if (conversion.exchanged) throw isMisfitFault(fault) ? transformFault(conversion, fault) : fault
    if (parquet && isCareful) await checkReadable(connection, await describeParquet(connection, files), parquet)
    if (!parquet && !isMisfitFault(fault)) throw fault
    if (!isCareful) return { kind: 'locate', cause: fault }
    throw isMisfitFault(fault) ? transformFault(conversion, fault) : fault
  }
}

async function quickly(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { read, transform, format } = conversion
  if (isText(format) && !isReadable(job.files, format, read.columns))
    return { kind: 'locate', cause: new PermanentError('INPUT_ENCODING', 'expected UTF-8, got a text that is not') }
  const { input, isGuarded, recordsFound } = await fastInput(conversion, job)
  const parts = await writeTransformed(conversion, raiseFailing(input, conversion.checks), job)
  const rowsWritten = sumRows(parts)
  if (recordsFound !== undefined) {
    checkExchanged(rowsWritten, recordsFound)
    return { kind: 'parts', ...noRejects, parts, rowsRead: recordsFound, rowsWritten, recordsFound }
  }
  const rowsRead = isGuarded
    ? await rowsSeen(conversion, input, job)
    : transform.steps.length > 0 || conversion.exchanged
      ? recordCount(job)
      : rowsWritten
  return { kind: 'parts', ...noRejects, parts, rowsRead, rowsWritten }
}

interface FastInput {
  readonly input: string
  readonly isGuarded: boolean
  /** The rows of a range of sorted runs, which are counted only here; no step changes their number. */
  readonly recordsFound?: number
}

async function fastInput(conversion: Conversion, job: ConvertJob): Promise<FastInput> {
  const { counter, read, parquet, connection, transform, checks, exchanged } = conversion
  if (exchanged) {
    const { own, by, join } = exchanged
    const rows = await countRows(connection, job.files, by)
    if (job.files.some(({ onlyKeys }) => onlyKeys))
      return { input: exchangeRead(rowsOf(job.files, by), own), isGuarded: false, recordsFound: rows }
    checkExchanged(rows, recordCount(job))
    const input = join ? await joinRead(connection, join, job) : exchangeRead(rowsOf(job.files, by), own)
    return { input, isGuarded: false }
  }
  const hasSteps = transform.steps.length > 0
  if (!parquet) {
    // It is enough to see that the last record is reached. Functions may be slow, so that their rows are counted one by one.
    const isCalled = transform.steps.some(({ step }) => step.kind === 'mapRows' || step.kind === 'mapBatches')
    const skipped = isCalled ? 0 : Math.max(0, recordCount(job) - 1)
    counter.skip(skipped)
    const guard = hasSteps ? { name: counter.name, skipped } : undefined
    return { input: fastRead(sourcesOf(conversion, job, 'fail'), read, guard), isGuarded: hasSteps }
  }
  const described = await describeParquet(connection, job.files)
  const isGuarded = hasSteps && (checks.length > 0 || needsGuard(described, parquet))
  return { input: parquetRead(described, parquet, isGuarded ? counter : undefined), isGuarded }
}

/** Returns the rows that entered the transform; all are read again where it stopped early. */
async function rowsSeen(conversion: Conversion, input: string, job: ConvertJob): Promise<number> {
  const seen = conversion.counter.rows()
  return seen < recordCount(job) ? readAll(conversion, input) : seen
}

async function carefully(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { connection, counter, transform, maps } = conversion
  const reading = await readCarefully(conversion, job)
  const hasCodeRejects = maps.hasRejected
  if (hasCodeRejects) {
    const file = `${job.target}.code-rejects`
    await collectCodeRejects(connection, reading.placed, { transform, maps, file })
  }
  const { input, rejected } = reading.input(hasCodeRejects)
  const parts = await writeTransformed(conversion, input, job).catch((error: unknown) => {
    throw hasCodeRejects && error instanceof RowRejected ? unsteadyRejects() : error
  })
  const keep = async (rowsRead: number): Promise<ConvertedParts> => {
    const rejects = await keepRejects(connection, rejected, `${job.target}.rejects`)
    return { kind: 'parts', parts, rowsRead, rowsWritten: sumRows(parts), ...rejects }
  }
  const kept = await keep(counter.rows())
  const isWhole = kept.rowsRead + kept.rowsRejected >= recordCount(job)
  if (isWhole || job.lastRecord !== undefined) return kept
  return keep(await readAll(conversion, input))
}

/** @throws ACCOUNT_MISMATCH when the engine read other rows of an exchange than the stage before wrote */
function checkExchanged(rowsRead: number, rows: number): void {
  if (rowsRead === rows) return
  const message = `expected ${rows} rows of the stage before, got ${rowsRead}; rows may be lost, so nothing was committed`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { rows, rowsRead })
}

/**
 * Reads, checks and counts all rows: a transform may stop reading early, for instance because of a condition that is
 * never true, or an empty table.
 */
async function readAll({ connection, counter }: Conversion, input: string): Promise<number> {
  await dropScanErrors(connection)
  counter.reset()
  await connection.run(`SELECT count(*) FROM (${input})`)
  return counter.rows()
}

const sumRows = (parts: readonly SharePart[]): number => parts.reduce((sum, part) => sum + part.rows, 0)
