/** The rows of a careful reading: those that go on into the transform, and those that are rejects. */
import { PermanentError } from '../../errors/errors.ts'
import type { Conversion, ConvertJob } from '../convert.ts'
import { codeRejectRows, notRejectedSql, placeColumn, placeSql } from '../transform/code-rejects.ts'
import { type BoundCheck, failingRows, passingRows } from '../transform/row-checks.ts'
import { asideRecords, badRecords } from '../write/reject-rows.ts'
import { refuseNewColumns, refusePathColumns } from './new-columns.ts'
import { describeParquet, type ParquetFile } from './parquet-describe.ts'
import { carefulParquetRead, type ParquetOptions, parquetMisfits } from './parquet-read.ts'
import { placeColumns } from './read-columns.ts'
import { type TextSource, textSources } from './text-source.ts'
import { carefulRead, misfits } from './typed-read.ts'

/** The rows that go on, counted by `counter`, and the queries of the others. */
export interface CarefulInput {
  readonly input: string
  readonly rejected: readonly string[]
}

export interface CarefulReading {
  /** `hasCodeRejects`: the table of records that functions rejected is there, and they are rejects too. */
  input(hasCodeRejects: boolean): CarefulInput
  /** All rows that fit and pass the checks, with their place, not counted. */
  readonly placed: string
}

/** @throws INPUT_INVALID, COLUMN_NEW, COLUMN_MISSING */
export const readCarefully = (conversion: Conversion, job: ConvertJob): Promise<CarefulReading> =>
  conversion.parquet ? readParquet(conversion, conversion.parquet, job) : readText(conversion, job)

async function readText(conversion: Conversion, job: ConvertJob): Promise<CarefulReading> {
  const { connection, counter, fitCounter, checks, read, format } = conversion
  if (format.kind === 'parquet') throw new PermanentError('STATE_INVALID', 'Parquet is not read as text')
  const again = sourcesOf(conversion, job, 'ignore')
  if (read.refuseNew) await refuseNewColumns(connection, again)
  await refusePathColumns(connection, again)
  const limits = job.lastRecord === undefined ? {} : { lastRecord: job.lastRecord }
  const rows = (sources: readonly TextSource[], guard: string, hasPlaces: boolean): string =>
    carefulRead(sources, read, { ...limits, guard, hasPlaces })
  const rejected = [
    misfits(again, read),
    badRecords(format),
    asideRecords(job.files.flatMap(file => file.setAside ?? [])),
  ]
  const keep = sourcesOf(conversion, job, 'keep')
  const [column = ''] = Object.keys(read.columns)
  const names = { counter: counter.name, fitCounter: fitCounter.name, column }
  return carefulReading({
    checks,
    ...names,
    rejected,
    rows: (guard, has) => rows(keep, guard, has),
    again: guard => rows(again, guard, true),
  })
}

async function readParquet(
  { connection, counter, fitCounter, checks }: Conversion,
  options: ParquetOptions,
  { files }: ConvertJob,
): Promise<CarefulReading> {
  const described: readonly ParquetFile[] = await describeParquet(connection, files)
  const rows = (guard: string, hasPlaces: boolean): string =>
    carefulParquetRead(described, options, { guard, hasPlaces })
  const rejected = [withoutText(parquetMisfits(described, options))]
  const names = { counter: counter.name, fitCounter: fitCounter.name, column: options.columns[0]?.name ?? '' }
  return carefulReading({ checks, ...names, rejected, rows, again: guard => rows(guard, true) })
}

/** Rows of Parquet have no text. */
const withoutText = (misfitting: string): string =>
  misfitting === '' ? '' : `SELECT *, '' AS text FROM (${misfitting})`

interface Readable {
  readonly checks: readonly BoundCheck[]
  readonly counter: string
  readonly fitCounter: string
  /** Any column of the rows. */
  readonly column: string
  /** Queries of the rows that do not fit. */
  readonly rejected: readonly string[]
  /** The rows that fit, counted by the function `guard`; bad records among them are kept. */
  rows(guard: string, hasPlaces: boolean): string
  /** The same with places, once more for the rejects. */
  again(guard: string): string
}

function carefulReading({ checks, counter, fitCounter, column, rejected, rows, again }: Readable): CarefulReading {
  return {
    input(hasCodeRejects) {
      if (!hasCodeRejects && checks.length === 0) return { input: rows(counter, false), rejected }
      const placed = again(fitCounter)
      const failing = failingRows(placed, checks)
      if (!hasCodeRejects)
        return {
          input: passingRows(rows(fitCounter, false), checks, counter, column),
          rejected: [...rejected, failing],
        }
      const passing = passingRows(rows(fitCounter, true), [...checks, notRejected], counter, column)
      return { input: withoutPlaces(passing), rejected: [...rejected, failing, codeRejectRows(placed)] }
    },
    get placed() {
      return withPlace(passingRows(again(fitCounter), checks, fitCounter, column))
    },
  }
}

const notRejected: BoundCheck = { condition: notRejectedSql, reason: '' }

const withoutPlaces = (input: string): string => `SELECT * EXCLUDE (${placeColumns.join(', ')}) FROM (${input})`

const withPlace = (input: string): string =>
  `SELECT * EXCLUDE (${placeColumns.join(', ')}), ${placeSql} AS ${placeColumn} FROM (${input})`

/** The staged text as relations. */
export function sourcesOf(
  { format, read }: Conversion,
  { files }: ConvertJob,
  badRecordsAre: 'fail' | 'keep' | 'ignore',
  isLenient = false,
): TextSource[] {
  if (format.kind === 'parquet') return []
  return textSources(files, {
    format,
    columns: read.columns,
    badRecords: badRecordsAre,
    isLenient,
    isExact: read.strict,
    hive: read.hive,
    keepNew: read.keepNew,
  })
}
