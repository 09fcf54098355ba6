/** Turns staged text into parts: fast when everything fits, else carefully, with rejects. */
import { rmSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import { FanmillError } from '../core/errors.ts'
import type { CsvFormat, Format } from '../define/definition.ts'
import { lineDelimiter } from '../core/records.ts'
import type { StagedFile } from '../io/stage.ts'
import { engineFault } from './engine.ts'
import type { MapFunctions } from './map-function.ts'
import { parquetRead } from './parquet-read.ts'
import { quoteText } from './quote.ts'
import { type KeptRejects, keepRejects } from './reject-rows.ts'
import type { RowCounter } from './row-counter.ts'
import { type TextSource, textSources } from './text-source.ts'
import { applyTransform, type CheckedTransform } from './transform.ts'
import { carefulRead, fastRead, type ReadOptions } from './typed-read.ts'
import { type PartOptions, type WrittenPart, writeParts } from './write-parts.ts'

/** What stays the same from one conversion of a task to the next. */
export interface Conversion {
  readonly connection: DuckDBConnection
  readonly counter: RowCounter
  readonly maps: MapFunctions
  readonly read: ReadOptions
  readonly transform: CheckedTransform
  readonly format: Format
  readonly parts: PartOptions
}

export interface ConvertJob {
  /** Staged text of any headers, or whole Parquet files. */
  readonly files: readonly StagedFile[]
  /** Path for the parts, without ending; nothing is there yet. */
  readonly target: string
  /** Keep what does not fit as rejects: the text must be staged located. */
  readonly isCareful: boolean
}

/** `locate`: something does not fit; stage the same text located and convert it carefully. */
export type Converted = ConvertedParts | { readonly kind: 'locate'; readonly cause: Error }

export interface ConvertedParts extends KeptRejects {
  readonly kind: 'parts'
  readonly parts: readonly WrittenPart[]
  /** Rows that entered the transform. */
  readonly rowsRead: number
  readonly rowsWritten: number
}

/** @throws TRANSFORM_FAILED, OUT_OF_MEMORY, DISK_FULL, ENGINE_FAILED, TOO_MANY_PARTITIONS, ABORTED */
export async function convert(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  try {
    await nameMembers(conversion.connection, job.files)
    return job.isCareful ? await carefully(conversion, job) : await quickly(conversion, job)
  } catch (error) {
    const fault = error instanceof FanmillError ? error : engineFault(error)
    const mayBeText = fault instanceof FanmillError && fault.code === 'ENGINE_FAILED' && conversion.format.kind !== 'parquet'
    if (mayBeText && !job.isCareful) return { kind: 'locate', cause: fault }
    throw fault
  }
}

async function quickly(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { counter, read, format, transform } = conversion
  const guard = transform.steps.length > 0 ? counter.name : undefined
  const input = format.kind === 'parquet' ? parquetRead(job.files, read, guard) : fastRead(sourcesOf(conversion, job, 'fail'), read, guard)
  const parts = await write(conversion, input, job.target)
  const rowsWritten = sumRows(parts)
  return { kind: 'parts', parts, rowsRead: guard ? counter.rows() : rowsWritten, rowsWritten, rowsRejected: 0, rejectedByMember: {} }
}

async function carefully(conversion: Conversion, job: ConvertJob): Promise<Converted> {
  const { connection, counter, read, format } = conversion
  const input = carefulRead(sourcesOf(conversion, job, 'keep'), read, counter.name)
  const parts = await write(conversion, input, job.target)
  const rowsRead = counter.rows()
  const delimiter = format.kind === 'csv' ? (format as CsvFormat).delimiter : lineDelimiter
  await connection.run(errorTable)
  const rejects = await keepRejects(connection, sourcesOf(conversion, job, 'ignore'), read, delimiter, `${job.target}.rejects`)
  return { kind: 'parts', parts, rowsRead, rowsWritten: sumRows(parts), ...rejects }
}

/** The scan makes this table when it meets a bad record; without any, there is none. */
const errorTable = `CREATE TEMP TABLE IF NOT EXISTS fanmill_errors (file_id UBIGINT, line UBIGINT, byte_position UBIGINT,
  column_name VARCHAR, error_type VARCHAR, csv_line VARCHAR, error_message VARCHAR)`

/** Built again each time that a map function taught something, at most once a column and once for the row count. */
async function write(conversion: Conversion, input: string, target: string): Promise<WrittenPart[]> {
  for (;;) {
    await conversion.connection.run('DROP TABLE IF EXISTS fanmill_errors; DROP TABLE IF EXISTS fanmill_scans')
    conversion.counter.reset()
    const query = applyTransform(input, conversion.transform, conversion.maps)
    try {
      return await writeParts(conversion.connection, query, target, conversion.parts)
    } catch (error) {
      for (const path of [target, `${target}.parquet`]) rmSync(path, { recursive: true, force: true })
      const fault = conversion.maps.takeFault()
      if (fault?.error) throw fault.error
      if (!fault?.learned) throw error
    }
  }
}

function sourcesOf(conversion: Conversion, job: ConvertJob, badRecords: 'fail' | 'keep' | 'ignore'): TextSource[] {
  const { format, read } = conversion
  if (format.kind === 'parquet') return []
  return textSources(job.files, { format, columns: read.columns, lineDelimiter, badRecords })
}

/** Names of the staged members, which the located prefix counts from 0 over all files. */
async function nameMembers(connection: DuckDBConnection, files: readonly StagedFile[]): Promise<void> {
  if (!files.some(file => file.located)) return
  const members = files.flatMap(file => file.members).sort((a, b) => a.index - b.index)
  const list = members.map(({ archive, member }) => `{'archive': ${quoteText(archive)}, 'member': ${quoteText(member)}}`)
  await connection.run(`SET VARIABLE fanmill_members = [${list.join(', ')}]`)
}

const sumRows = (parts: readonly WrittenPart[]): number => parts.reduce((sum, part) => sum + part.rows, 0)
