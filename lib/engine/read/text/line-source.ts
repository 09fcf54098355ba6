/** Staged JSON lines and log lines as text sources: each record is one text in the column `line`. */
import { closeSync, openSync, readSync } from 'node:fs'
import type {
  FixedWidthFormat,
  JsonFormat,
  JsonLinesFormat,
  LinesFormat,
  XmlFormat,
} from '../../../define/definition.ts'
import { lineDelimiter } from '../../../define/formats/format-kind.ts'
import { groupNames } from '../../../define/formats/line-pattern.ts'
import { quoteName, quoteText, quoteTexts } from '../../../duckdb/quote.ts'
import { readObject } from '../../../errors/json-object.ts'
import type { StagedFile } from '../../../stage/staged-file.ts'
import { scanText } from './csv-scan.ts'
import { jsonSource } from './json-source.ts'
import type { TextSource, TextSourceOptions } from './text-source.ts'

/** Reads each line as an object, with its keys as columns. */
export function jsonLineSource(
  files: readonly StagedFile[],
  _format: JsonFormat | JsonLinesFormat | XmlFormat,
  options: TextSourceOptions,
): TextSource {
  const { columns, strict = true, keepNew } = options
  const isFast = options.badRecords === 'fail'
  const commonKeys = isFast && strict ? keysOfFirst(files) : undefined
  return jsonSource(scanStaged(files, options), columns, { strict, keepNew, isFast, commonKeys })
}

/** Reads each line by the pattern, with its groups as columns. */
export const patternLineSource = (
  files: readonly StagedFile[],
  format: LinesFormat,
  options: TextSourceOptions,
): TextSource => patternSource(scanStaged(files, options), format, 'line')

/** Reads each line by the places of its columns. */
export const fixedWidthSource = (
  files: readonly StagedFile[],
  format: FixedWidthFormat,
  options: TextSourceOptions,
): TextSource => placesSource(scanStaged(files, options), format, 'line')

const scanStaged = (files: readonly StagedFile[], options: TextSourceOptions): string =>
  scanText(files, ['line'], { delimiter: lineDelimiter, quote: '', escape: '', nulls: [] }, options)

/** Reads the groups of the pattern from the texts in a column of `from`. */
export function patternSource(from: string, { pattern }: LinesFormat, column: string): TextSource {
  const names = groupNames(pattern)
  const regex = quoteText(pattern)
  const isMet = `regexp_full_match(${column}, ${regex})`
  return {
    from: `(SELECT *, regexp_extract(${column}, ${regex}, ${quoteTexts(names)}) AS groups FROM ${from})`,
    text: name => (names.includes(name) ? `nullif(groups.${quoteName(name)}, '')` : undefined),
    recordText: column,
    record: { tests: [{ isMet, expected: 'a line that matches the pattern' }], received: column },
  }
}

/** Reads the characters of each column from the texts in a column of `from`. */
export function placesSource(from: string, { columns, shortRows }: FixedWidthFormat, column: string): TextSource {
  const end = Math.max(...Object.values(columns).map(({ to }) => to))
  const text = (name: string): string | undefined => {
    const place = columns[name]
    if (!place) return undefined
    return `nullif(trim(substring(${column}, ${place.from}, ${place.to - place.from + 1}), e' \t'), '')`
  }
  const isLong = { isMet: `length(${column}) >= ${end}`, expected: `a line of at least ${end} characters` }
  const tests = shortRows === 'null' ? [] : [isLong]
  return { from, text, recordText: column, record: { tests, received: column } }
}

/** The keys of the first line, which most other lines have too. */
function keysOfFirst([file]: readonly StagedFile[]): readonly string[] | undefined {
  const keys = file && !file.located ? Object.keys(readObject(firstLine(file.file)) ?? {}) : []
  return keys.length > 0 && keys.length < commonKeysMax ? keys : undefined
}

/** A longer list makes a statement that takes longer than it saves. */
const commonKeysMax = 1000

const firstLineBytes = 65_536

function firstLine(file: string): string {
  const handle = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(firstLineBytes)
    const text = bytes.toString('utf8', 0, readSync(handle, bytes, 0, firstLineBytes, 0))
    return text.slice(0, text.indexOf('\n') + 1)
  } finally {
    closeSync(handle)
  }
}
