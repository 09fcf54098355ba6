/** Reads Parquet files into the declared columns, or as they are when none are declared. */
import type { StagedFile } from '../io/stage.ts'
import { sqlType } from './column-sql.ts'
import { quoteName, quoteTexts } from './quote.ts'
import type { ReadOptions } from './typed-read.ts'

/** Columns are found by name; a conversion that fails, fails the query. */
export function parquetRead(files: readonly StagedFile[], options: ReadOptions, guard?: string): string {
  const names = Object.entries(options.columns)
  const list = names.map(([name, column]) => `CAST(${quoteName(name)} AS ${sqlType(column)}) AS ${quoteName(name)}`)
  const from = `read_parquet(${quoteTexts(files.map(file => file.file))}, union_by_name = true, hive_partitioning = false)`
  const select = `SELECT ${list.join(', ') || '*'} FROM ${from}`
  return guard === undefined ? select : `${select} WHERE ${guard}(true)`
}
