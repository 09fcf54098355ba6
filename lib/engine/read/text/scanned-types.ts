/** Chooses the columns of CSV that the engine's scan reads with their types, which is cheaper than to cast their texts. */
import { findColumns } from '../../../define/columns/file-names.ts'
import type { ColumnDefinition, Columns, CsvFormat, Format } from '../../../define/definition.ts'
import { layoutOfText } from '../../../define/formats/format-kind.ts'
import type { StageOptions } from '../../../stage/stage.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import type { FieldForm } from '../../../text/records/plain-fields.ts'
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

/**
 * Returns the forms of fields for a strict reading; undefined where it would not use them. Columns in paths do not matter: texts of files
 * that have some are staged with their places, and their fields are not looked at.
 */
export function plainForms(
  format: Format,
  { columns, strict }: { readonly columns: Columns; readonly strict: boolean },
): StageOptions['plainForms'] {
  if (!strict || format.kind !== 'csv') return undefined
  const forms = new Map<string, FieldForm>()
  for (const [name, column] of Object.entries(columns)) {
    const form = isScannable(column, format) ? plainForm(column) : undefined
    if (form) forms.set(name, form)
  }
  if (forms.size === 0) return undefined
  return header => {
    const { names, positions } = fieldsOf(header, format, { columns })
    const byPosition = new Map(Array.from(positions, ([name, position]) => [position, forms.get(name)]))
    return names.map((_, index) => byPosition.get(index))
  }
}

/** Returns the form of texts that a strict reading of the column accepts whenever they convert. */
function plainForm({ type, scale = 3 }: ColumnDefinition): FieldForm | undefined {
  if (type.includes('int')) return { kind: 'integer' }
  if (type.startsWith('float')) return { kind: 'number' }
  if (type === 'decimal') return { kind: 'decimal', scale }
  return type === 'timestamp' || type === 'date' ? { kind: type } : undefined
}
