/** Staged CSV as a text source. */
import type { ColumnDefinition, CsvFormat } from '../../../define/definition.ts'
import { layoutOfText } from '../../../define/formats/format-kind.ts'
import { quoteName } from '../../../duckdb/quote.ts'
import { engineName } from '../../../errors/engine-name.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { sqlType } from '../column-sql.ts'
import { prefixOf, scanText } from './csv-scan.ts'
import { unescapedText, writtenText } from './escaped-text.ts'
import { isParsed, parsedRows } from './parsed-rows.ts'
import { csvRecordText } from './record-text.ts'
import { fieldsOf, isExact, isScannable } from './scanned-types.ts'
import type { TextSource, TextSourceOptions } from './text-source.ts'

/** Reads the columns by name, or by position where the format has no header. */
export function csvSource(files: readonly StagedFile[], format: CsvFormat, options: TextSourceOptions): TextSource {
  const { columns, hive = [] } = options
  const { names, positions } = fieldsOf(files[0]?.columns ?? [], format, { columns, hive })
  const declaredAt = new Map(Array.from(positions, ([column, index]) => [index, column]))
  const texts = textNames(names)
  const { escapes } = layoutOfText(format)
  const nameAt = (index: number): string => quoteName(texts[index] as string)
  const textAt = (index: number): string => (escapes ? unescapedText(nameAt(index), escapes) : nameAt(index))
  const written = csvRecordText(texts, format)
  const parsed = files[0]?.parsed
  const isTyped = (name: string): boolean => {
    if (hive.includes(name) || !positions.has(name)) return false
    if (parsed) return isParsed(files, positions.get(name))
    return (
      options.badRecords === 'fail' &&
      isScannable(columns[name], format) &&
      (options.strict === false || isExact(columns[name], files, positions.get(name)))
    )
  }
  const types = Object.fromEntries(
    Array.from(positions, ([column, index]) =>
      isTyped(column) ? [[texts[index], sqlType(columns[column] as ColumnDefinition)]] : [],
    ).flat(),
  )
  const used = [
    ...prefixOf(files),
    ...names.flatMap((_, index) => (options.keepNew || declaredAt.has(index) ? [nameAt(index)] : [])),
  ]
  return {
    from: parsed
      ? parsedRows(files, texts, types)
      : scanText(
          files,
          texts,
          { ...layoutOfText(format), nulls: format.nullValues },
          { ...options, types, isPadded: format.shortRows === 'null' },
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
  const reserved = new Set(names.map(name => `text ${engineName(name)}`))
  const taken = new Set<string>()
  return names.map((name, index) => {
    let text = `text ${name.replaceAll('\0', '\u2400')}`
    const isOwn = text === `text ${name}` && !taken.has(engineName(text))
    while (!isOwn && (reserved.has(engineName(text)) || taken.has(engineName(text)))) text += ` ${index + 1}`
    taken.add(engineName(text))
    return text
  })
}
