/** Finds the columns of a task in Parquet files by their names, and checks that they are there. */
import { namesInFile } from '../../../define/columns/file-names.ts'
import { columnNames } from '../../../duckdb/engine-column.ts'
import { PermanentError } from '../../../errors/errors.ts'
import { nearest } from '../../../errors/nearest.ts'
import { placeOf } from '../../../model/member-place.ts'
import type { SchemaColumn } from '../../../model/outcome/manifest.ts'
import { hiveValues } from '../../../paths/hive-columns.ts'
import type { EngineTask } from '../../engine-task.ts'
import { inPathAndFile } from '../path-columns.ts'
import type { ReadColumn } from '../read-columns.ts'
import type { ReadOptions } from '../typed-read.ts'
import { checkColumn, type ParquetFile } from './describe.ts'

export interface ParquetOptions
  extends Omit<ReadOptions, 'columns' | 'refuseNew'>,
    Pick<EngineTask, 'onNewColumn' | 'onMissingColumn'> {
  readonly columns: readonly ReadColumn[]
  /** The columns of the dataset that the files are parts of, with their types; absent for other files. */
  readonly dataset?: readonly SchemaColumn[] | undefined
  /** The file is a broadcast table, whose columns cannot be missing. Default false. */
  readonly isTable?: boolean
}

/** Returns the names that a column may have in a file. */
export const namesOf = ({ name, definition }: ReadColumn): readonly string[] => namesInFile(name, definition)

/** Returns all names of a file that are read. */
export const readNames = (columns: readonly ReadColumn[]): ReadonlySet<string> => new Set(columns.flatMap(namesOf))

/** Returns the columns of the task that stand in the path of this file. */
export function pathColumnsOf({ origin }: ParquetFile, { hive = [] }: ParquetOptions): readonly string[] {
  if (hive.length === 0) return []
  const values = hiveValues(origin.archive)
  return hive.filter(name => Object.hasOwn(values, name))
}

/** @throws COLUMN_MISSING, COLUMN_NEW; INPUT_INVALID for a column that cannot be read; DEFINITION_INVALID for one that is in the path too */
export function checkColumns(file: ParquetFile, options: ParquetOptions): void {
  const { origin, columns, names } = file
  const read = readNames(options.columns)
  const inFile = new Set(names)
  const inPath = pathColumnsOf(file, options)
  const both = names.find(name => inPath.includes(name))
  if (both !== undefined) throw inPathAndFile(origin, both)
  for (const [position, { name }] of columns.entries())
    if (options.keepNew || read.has(name)) checkColumn(file, position)
  checkSeveral(file, options)
  // Parts of earlier runs may lack columns that the dataset has: their rows have null there.
  if (options.dataset) return
  const absent = options.columns.filter(
    column => !namesOf(column).some(name => inFile.has(name)) && !inPath.includes(column.name),
  )
  if (absent.length > 0 && options.onMissingColumn !== 'null') {
    const missing = columnNames(absent)
    const close = absent.flatMap(namesOf).flatMap(name => nearest(name, names, 1))
    const hint = close.length > 0 ? ` (nearest: ${close.join(', ')})` : ''
    const remedy = options.isTable ? 'fix the columns' : "fix the columns, or set onMissingColumn: 'null'"
    throw new PermanentError(
      'COLUMN_MISSING',
      `${placeOf(origin)}: expected the columns ${columnNames(options.columns).join(', ')}, got a file without ${missing.join(', ')}${hint}; ${remedy}`,
      { ...origin, missing },
    )
  }
  const added = names.filter(name => !read.has(name))
  if (added.length > 0 && options.onNewColumn === 'fail')
    throw new PermanentError(
      'COLUMN_NEW',
      `${placeOf(origin)}: expected only declared columns, got ${added.join(', ')}; declare them, or set onNewColumn: 'ignore'`,
      { ...origin, added },
    )
}

/** @throws INPUT_INVALID for a file that has two names of one column */
function checkSeveral({ origin, names }: ParquetFile, { columns }: ParquetOptions): void {
  const inFile = new Set(names)
  for (const column of columns) {
    const found = namesOf(column).filter(name => inFile.has(name))
    if (found.length < 2) continue
    const message = `${placeOf(origin)}: expected one name of column ${column.name}, got ${found.join(' and ')}; take one of them out of from, or read this file by a task of its own`
    throw new PermanentError('INPUT_INVALID', message, { ...origin, column: column.name, names: found })
  }
}
