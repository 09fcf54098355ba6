/** Builds the small tables that every worker reads whole. */
import * as v from 'valibot'
import { check, invalid, options } from '../check.ts'
import { checkNamesInFile } from '../columns/check-names.ts'
import type { Columns, Format, TableDefinition, TaskDefinition } from '../definition.ts'
import { csv, parquetFiles } from '../formats/format.ts'
import { frozen } from '../freeze.ts'
import { outputKind } from '../outputs/output-kind.ts'
import { anyFormat, columns as columnsSchema, count, filledText, relativePath } from '../schemas.ts'
import { datasetOf } from './partitions-of.ts'

/** The options of `table`. */
export interface TableOptions {
  /**
   * How records stand in the file. Default `parquetFiles()` for names that end in .parquet, else `csv()`.
   * @example table('stops.jsonl', { format: jsonLines() })
   */
  readonly format?: Format
  /**
   * The columns with their types. Values are checked before a run. Default those that the engine finds.
   * @example table('stops.csv', { columns: { stop_id: column.string(), stop_name: column.string() } })
   */
  readonly columns?: Columns
  /**
   * The member of the archive at the path, or a glob of members with the same columns. Default the file is no archive.
   * @example table('feed.zip', { member: 'stops.txt' })
   */
  readonly member?: string
  /**
   * The most bytes that the table may have as it is stored, inflated for members: every worker holds all of it. With more, the run
   * fails with TABLE_TOO_LARGE. Default 256 MiB.
   * @example table(stops, { bytesMax: 2 ** 30 })
   */
  readonly bytesMax?: number
}

/** The options of a table of rows that a task has written. */
export type TaskTableOptions = Pick<TableOptions, 'bytesMax'>

/**
 * A small table for joins in SQL, which every worker reads whole: the rows that another task has written, which this one then requires;
 * a file; several files that a glob matches; or a member of an archive. A path is a template under the input root.
 * @example tables: { stops: table(stops) }
 * @example tables: { stops: table('feeds/{day}.zip', { member: 'stops.txt' }) }
 * @example tables: { airports: table('reference/airports.csv', csv(), { iata: column.string(), state: column.string() }) }
 */
export function table(task: TaskDefinition, given?: TaskTableOptions): TableDefinition
export function table(path: string, given?: TableOptions): TableDefinition
export function table(path: string, format: Format, columns?: Columns): TableDefinition
export function table(
  from: string | TaskDefinition,
  given: Format | TableOptions = {},
  columns?: Columns,
): TableDefinition {
  if (typeof from === 'object' && from !== null) return taskTable(from, given as TaskTableOptions)
  const path = check('table: path', relativePath, from)
  const isFormat = typeof given !== 'object' || given === null || 'kind' in given
  const all = isFormat ? { format: given, ...(columns !== undefined && { columns }) } : given
  const { format = formatOf(path), bytesMax = bytesMaxDefault, ...rest } = check('table', tableOptions, all)
  checkTableFormat(format)
  if (rest.columns) checkNamesInFile('table', rest.columns, format)
  if (rest.member !== undefined && format.kind === 'parquet')
    throw invalid('table: member', 'expected a member of text, got parquetFiles(), which are read by ranges')
  return frozen({ kind: 'table', path, format, bytesMax, ...rest })
}

function taskTable(task: TaskDefinition, given: TaskTableOptions): TableDefinition {
  const { bytesMax = bytesMaxDefault } = check('table', taskTableOptions, given)
  const of = datasetOf('table', task)
  if (outputKind(of.output).isTemporary)
    throw invalid(
      'table',
      `expected a task whose rows stay, got temporary() of task ${of.name}; write them with parquet({ … })`,
    )
  return frozen({ kind: 'table', of, format: parquetFiles(), bytesMax })
}

const formatOf = (path: string): Format => (path.endsWith('.parquet') ? parquetFiles() : csv())

/** The engine of a worker has at least 128 MiB, and a table grows when it is read. */
const bytesMaxDefault = 256 * 2 ** 20

const taskTableOptions = options({ bytesMax: v.optional(count(1)) })
const tableOptions = options(
  {
    format: v.optional(anyFormat),
    columns: v.optional(columnsSchema),
    member: v.optional(filledText),
    bytesMax: v.optional(count(1)),
  },
  { members: 'member', maxBytes: 'bytesMax' },
)

/** @throws DEFINITION_INVALID for options that the engine's own reader of tables does not have */
function checkTableFormat(format: Format): void {
  if (format.kind === 'xlsx' && format.headerRow === false)
    throw invalid('table: format.headerRow', 'expected the number of a row, as a table needs a header, got false', {
      path: 'format.headerRow',
    })
  if (format.kind !== 'csv') return
  const { comment = '', quote, escape: escaped } = format
  const { skipAfterHeader, shortRows } = format
  const given = { skipAfterHeader, shortRows, comment: comment.length > 1, escape: quote === '' && escaped !== '' }
  const [option] = Object.entries(given).find(([, isGiven]) => isGiven) ?? []
  if (option === undefined) return
  const message = `expected a format without ${option}, which a table cannot have; read the file by a task, or rewrite it`
  throw invalid(`table: format.${option}`, message, { path: `format.${option}` })
}
