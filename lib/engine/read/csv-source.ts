/** Staged CSV as a text source. */
import type { ColumnDefinition, CsvFormat } from '../../define/definition.ts'
import { findColumns } from '../../define/file-names.ts'
import { layoutOfText } from '../../define/format-kind.ts'
import type { StagedFile } from '../../stage/stage.ts'
import { quoteName } from '../duckdb/quote.ts'
import { sqlType } from './column-sql.ts'
import { prefixOf, scanText } from './csv-scan.ts'
import { unescapedText, writtenText } from './escaped-text.ts'
import { isPlain } from './plain-text.ts'
import { csvRecordText } from './record-text.ts'
import type { TextSource, TextSourceOptions } from './text-source.ts'

/** Reads the columns by name, or by position where the format has no header. */
export function csvSource(files: readonly StagedFile[], format: CsvFormat, options: TextSourceOptions): TextSource {
  const { columns, hive = [] } = options
  const byPosition = Object.keys(columns).filter(name => !hive.includes(name))
  const names = format.header ? (files[0]?.columns ?? []) : byPosition
  const positions = format.header
    ? findColumns(names, columns, format.matchNames).positions
    : new Map(names.map((name, index) => [name, index]))
  const declaredAt = new Map(Array.from(positions, ([column, index]) => [index, column]))
  const texts = textNames(names)
  const { escapes } = layoutOfText(format)
  const nameAt = (index: number): string => quoteName(texts[index] as string)
  const textAt = (index: number): string => (escapes ? unescapedText(nameAt(index), escapes) : nameAt(index))
  const written = csvRecordText(texts, format)
  const isTyped = (name: string): boolean =>
    options.isLenient === true && !escapes && positions.has(name) && !hive.includes(name) && isScannable(columns[name])
  const types = Array.from(positions, ([column, index]) =>
    isTyped(column) ? [[texts[index], sqlType(columns[column] as ColumnDefinition)]] : [],
  ).flat()
  const used = [
    ...prefixOf(files),
    ...names.flatMap((_, index) => (options.keepNew || declaredAt.has(index) ? [nameAt(index)] : [])),
  ]
  return {
    from: scanText(
      files,
      texts,
      { ...layoutOfText(format), nulls: format.nullValues },
      { ...options, types: Object.fromEntries(types), isPadded: format.shortRows === 'null' },
    ),
    isTyped,
    text: column => {
      const index = positions.get(column)
      return index === undefined ? undefined : textAt(index)
    },
    recordText: escapes ? writtenText(written, escapes) : written,
    used,
    undeclared: names.flatMap((name, index) => (declaredAt.has(index) ? [] : [{ name, text: textAt(index) }])),
  }
}

/**
 * Names the text columns apart from the typed ones, so that neither shadows the other. A name that the engine would not
 * take (equal to another in whatever case, or with a NUL) gets its position as well.
 */
function textNames(names: readonly string[]): string[] {
  const reserved = new Set(names.map(name => `text ${name.toLowerCase()}`))
  const taken = new Set<string>()
  return names.map((name, index) => {
    let text = `text ${name.replaceAll('\0', '\u2400')}`
    const isOwn = text === `text ${name}` && !taken.has(text.toLowerCase())
    while (!isOwn && (reserved.has(text.toLowerCase()) || taken.has(text.toLowerCase()))) text += ` ${index + 1}`
    taken.add(text.toLowerCase())
    return text
  })
}

/** Nulls and formats are handled apart from the scan, which reads garbage in a timestamp with zone as null without an error. */
function isScannable(column: ColumnDefinition | undefined): boolean {
  if (!column || column.required || column.format !== undefined || !isPlain(column)) return false
  return !['string', 'binary', 'json', 'list', 'struct', 'timestamptz'].includes(column.type)
}
