/** Chooses the columns of CSV that the engine's scan reads with their types, which is cheaper than to cast their texts. */
import { findColumns } from '../../../define/columns/file-names.ts'
import type { ColumnDefinition, CsvFormat } from '../../../define/definition.ts'
import { layoutOfText } from '../../../define/formats/format-kind.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { isPlain } from './plain-text.ts'
import type { TextSourceOptions } from './text-source.ts'

/** Returns the names of the fields of a file with this header, and the position of each declared column among them. */
export function fieldsOf(
  header: readonly string[],
  format: CsvFormat,
  { columns, hive = [] }: Pick<TextSourceOptions, 'columns' | 'hive'>,
): { readonly names: readonly string[]; readonly positions: ReadonlyMap<string, number> } {
  if (format.header) return { names: header, positions: findColumns(header, columns, format.matchNames).positions }
  const names = Object.keys(columns).filter(name => !hive.includes(name))
  return { names, positions: new Map(names.map((name, index) => [name, index])) }
}

/**
 * Whether the scan reads the type as a cast of the text would. Nulls, formats and escapes are handled apart from it, and it reads garbage
 * in a timestamp with zone as null without an error.
 */
export function isScannable(column: ColumnDefinition | undefined, format: CsvFormat): boolean {
  if (!column || column.required || column.format !== undefined || !isPlain(column)) return false
  if (layoutOfText(format).escapes) return false
  return !['string', 'binary', 'json', 'list', 'struct', 'timestamptz'].includes(column.type)
}

/** Whether the scan loses nothing of a column's texts: they cannot say more than its type, or were seen to be plain when they were staged. */
export const isExact = (
  column: ColumnDefinition | undefined,
  files: readonly StagedFile[],
  position: number | undefined,
): boolean =>
  column?.type === 'boolean' ||
  (position !== undefined && files.every(({ plainColumns }) => plainColumns?.[position] === true))
