/** The rows of a careful reading: those that enter the transform, and those that become rejects. */
import { isText } from '../../define/formats/format-kind.ts'
import { PermanentError } from '../../errors/errors.ts'
import type { Conversion, ConvertJob } from '../conversion.ts'
import { codeRejectRows, notRejectedSql, placeColumn, placeSql } from '../transform/code-rejects.ts'
import { type BoundCheck, failingRows, passingRows } from '../transform/row-checks.ts'
import { asideRecords, badRecords } from '../write/reject-rows.ts'
import { refuseNewColumns, refusePathColumns } from './new-columns.ts'
import { describeParquet } from './parquet/describe.ts'
import type { ParquetOptions } from './parquet/names.ts'
import { carefulParquetRead, parquetMisfits } from './parquet/read.ts'
import { placeColumns } from './read-columns.ts'
import { textSources } from './staged-sources.ts'
import type { TextSource, TextSourceOptions } from './text/text-source.ts'
import { carefulRead, misfits } from './typed-read.ts'

export interface CarefulReading {
  /**
   * Returns a query of the rows that enter the transform, and queries of the others; empty queries have no rows. `hasCodeRejects`: there
   * is a table of records that functions rejected, and they are rejects too.
   */
  input(hasCodeRejects: boolean): { readonly input: string; readonly rejected: readonly string[] }
  /** A query of all rows that fit and pass the checks, with their place; they are not counted. */
  readonly placed: string
}

/** @throws INPUT_INVALID, COLUMN_NEW, COLUMN_MISSING */
export const readCarefully = (conversion: Conversion, job: ConvertJob): Promise<CarefulReading> =>
  conversion.parquet ? readParquet(conversion, conversion.parquet, job) : readText(conversion, job)

async function readText(conversion: Conversion, job: ConvertJob): Promise<CarefulReading> {
  const { connection, read, format } = conversion
  const { files, lastRecord } = job
  if (!isText(format)) throw new PermanentError('STATE_INVALID', `a file of format ${format.kind} is not read as text`)
  const again = sourcesOf(conversion, job, 'ignore')
  if (read.refuseNew) await refuseNewColumns(connection, again)
  await refusePathColumns(connection, again)
  const keep = sourcesOf(conversion, job, 'keep')
  const rows = (sources: readonly TextSource[], guard: string, hasPlaces: boolean): string =>
    carefulRead(sources, read, { lastRecord, guard, hasPlaces })
  const [column = ''] = Object.keys(read.columns)
  return carefulReading(conversion, {
    column,
    rejected: [misfits(again, read), badRecords(format), asideRecords(files.flatMap(file => file.setAside ?? []))],
    rows: (guard, hasPlaces) => rows(keep, guard, hasPlaces),
    again: guard => rows(again, guard, true),
  })
}

async function readParquet(
  conversion: Conversion,
  options: ParquetOptions,
  { files }: ConvertJob,
): Promise<CarefulReading> {
  const described = await describeParquet(conversion.connection, files)
  const rows = (guard: string, hasPlaces: boolean): string =>
    carefulParquetRead(described, options, { guard, hasPlaces })
  return carefulReading(conversion, {
    column: options.columns[0]?.name ?? '',
    rejected: [parquetMisfits(described, options)],
    rows,
    again: guard => rows(guard, true),
  })
}

interface Readable {
  /** Any column of the rows. */
  readonly column: string
  /** Queries of the rows that do not fit. */
  readonly rejected: readonly string[]
  /** The rows that fit, counted by the function `guard`; bad records among them are kept. */
  rows(guard: string, hasPlaces: boolean): string
  /** The same rows with places, read once more for the rejects. */
  again(guard: string): string
}

function carefulReading(
  { checks, counter, fitCounter }: Pick<Conversion, 'checks' | 'counter' | 'fitCounter'>,
  { column, rejected, rows, again }: Readable,
): CarefulReading {
  const passing = (input: string, conditions: readonly BoundCheck[], guard: string): string =>
    passingRows(input, conditions, guard, column)
  return {
    input(hasCodeRejects) {
      if (!hasCodeRejects && checks.length === 0) return { input: rows(counter.name, false), rejected }
      const placed = again(fitCounter.name)
      const failing = failingRows(placed, checks)
      if (!hasCodeRejects)
        return {
          input: passing(rows(fitCounter.name, false), checks, counter.name),
          rejected: [...rejected, failing],
        }
      const input = passing(rows(fitCounter.name, true), [...checks, notRejected], counter.name)
      return { input: withoutPlaces(input), rejected: [...rejected, failing, codeRejectRows(placed)] }
    },
    get placed() {
      return withPlace(passing(again(fitCounter.name), checks, fitCounter.name))
    },
  }
}

const notRejected: BoundCheck = { condition: notRejectedSql, reason: '' }

const withoutPlaces = (input: string): string => `SELECT * EXCLUDE (${placeColumns.join(', ')}) FROM (${input})`

const withPlace = (input: string): string =>
  `SELECT * EXCLUDE (${placeColumns.join(', ')}), ${placeSql} AS ${placeColumn} FROM (${input})`

/** Returns the staged text as text sources; none for Parquet. */
export function sourcesOf(
  { format, read }: Conversion,
  { files }: Pick<ConvertJob, 'files'>,
  badRecords: TextSourceOptions['badRecords'],
): TextSource[] {
  return isText(format) ? textSources(files, { ...read, format, badRecords }) : []
}
