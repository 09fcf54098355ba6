/** Staged text as a relation: where the engine finds the text of each declared column. */

import { closeSync, openSync, readSync } from 'node:fs'
import type { ColumnDefinition, Columns, CsvFormat, Format } from '../../define/definition.ts'
import { groupNames } from '../../define/line-pattern.ts'
import { PermanentError } from '../../errors/errors.ts'
import { readObject } from '../../errors/json-object.ts'
import { placeOf } from '../../model/member-place.ts'
import { hiveValues } from '../../paths/hive-columns.ts'
import type { StagedFile } from '../../stage/stage.ts'
import { lineDelimiter, longestRecordBytes } from '../../text/record-dialect.ts'
import { quoteName, quoteText, quoteTexts } from '../duckdb/quote.ts'
import { sqlType } from './column-sql.ts'
import { jsonSource } from './json-source.ts'
import type { RecordTest } from './record-test.ts'
import { csvRecordText } from './record-text.ts'

/** Staged files that can be read by one scan: of one header and newline style. */
export interface TextSource {
  /** A FROM clause whose columns the text expressions refer to. */
  readonly from: string
  /** The text of a column; undefined when the files do not have it. */
  text(column: string): string | undefined
  /** Whether the scan itself reads a column as its type. */
  isTyped?(column: string): boolean
  /** The whole text of a record, as SQL; a CSV record is written anew. */
  readonly recordText: string
  /** Every column of the scan, as SQL. */
  readonly all: readonly string[]
  /** Those that a reading needs, as SQL: of thousands of columns, `*` takes the engine time that grows with their square. */
  readonly used: readonly string[]
  /** Columns that the files have and the task does not declare. */
  readonly undeclared: readonly { readonly name: string; readonly text: string }[]
  /** Declared columns that stand in the path. */
  readonly inPath?: readonly string[]
  /** As SQL, where each record has columns of its own: whether it has one of this name. */
  keyOf?(column: string): string
  /** As SQL, where each record has columns of its own: the names that are not declared, and the value of `_new`. */
  readonly ownNew?: { readonly names: string; readonly map: string }
  /** For records that may not be one at all (JSON, log lines): what must be true of it, in this order, and its text. */
  readonly record?: { readonly tests: readonly RecordTest[]; readonly received: string }
}

export interface TextSourceOptions {
  readonly format: Exclude<Format, { kind: 'parquet' }>
  readonly columns: Columns
  /** Records that cannot be read: fail the query, are kept in the table `fanmill_errors`, or are passed over because they are kept already. */
  readonly badRecords: 'fail' | 'keep' | 'ignore'
  /** Lets the scan read types where it reads as a cast of the text would: cheaper, but nothing can be checked. Default false. */
  readonly isLenient?: boolean
  /** Columns that stand in the paths of the inputs. Default none. */
  readonly hive?: readonly string[]
  /** Looks for digits that the engine's reading of JSON would lose. Default true. */
  readonly isExact?: boolean
  /** Columns that are not declared are read as well. Default false. */
  readonly keepNew?: boolean
}

/** Names of the prefix that located staging puts before each record. */
export const prefixColumns = ['_fanmill_member', '_fanmill_line', '_fanmill_record'] as const

/** One source for each header and newline style among the files. */
export function textSources(files: readonly StagedFile[], options: TextSourceOptions): TextSource[] {
  const groups = Map.groupBy(
    files.filter(file => file.bytes > 0),
    file => JSON.stringify([file.columns, file.newline, file.isOpen]),
  )
  return [...groups.values()].map(group => withHive(textSource(group, options), group, options))
}

/** With the columns of the path beside those of the text. @throws DEFINITION_INVALID for a column that is in both */
function withHive(
  source: TextSource,
  files: readonly StagedFile[],
  { hive = [], format }: TextSourceOptions,
): TextSource {
  if (hive.length === 0) return source
  const archives = new Set(files.flatMap(file => file.members.map(({ archive }) => archive)))
  const inPath = new Set([...archives].flatMap(archive => Object.keys(hiveValues(archive))))
  const own = hive.filter(name => inPath.has(name))
  if (format.kind === 'csv' && format.header) refuseBoth(archives, files[0]?.columns ?? [])
  return {
    ...source,
    text: column => (own.includes(column) ? hiveSql(column) : source.text(column)),
    undeclared: source.undeclared.filter(({ name }) => !own.includes(name)),
    inPath: own,
  }
}

function refuseBoth(archives: ReadonlySet<string>, header: readonly string[]): void {
  for (const archive of archives) {
    const both = Object.keys(hiveValues(archive)).find(name => header.includes(name))
    if (both !== undefined) throw inBoth({ archive, member: '' }, both)
  }
}

/** The error of a column that stands in a path and in its file. */
export const inBoth = (place: { readonly archive: string; readonly member: string }, column: string): PermanentError =>
  new PermanentError(
    'DEFINITION_INVALID',
    `${placeOf(place)}: expected column ${column} in the path or in the file, got it in both; set hive: false, or rename one`,
    { ...place, column },
  )

/** The text of a column in the path of the row's input. */
const hiveSql = (column: string): string =>
  `getvariable('fanmill_members')[CAST(_fanmill_member AS INTEGER) - getvariable('fanmill_first_member') + 1].hive[${quoteText(column)}]`

function textSource(files: readonly StagedFile[], options: TextSourceOptions): TextSource {
  const { format, columns } = options
  if (format.kind === 'csv') return csvSource(files, format, options)
  const isFast = options.badRecords === 'fail'
  const from = scan(files, ['line'], { delimiter: lineDelimiter, quote: '', escape: '', nulls: [] }, options)
  const source =
    format.kind === 'jsonLines'
      ? jsonSource(from, columns, {
          isExact: options.isExact,
          keepNew: options.keepNew,
          isFast,
          ...(isFast && options.isExact !== false && { commonKeys: keysOfFirst(files) }),
        })
      : patternSource(from, format.pattern)
  return { ...source, all: [...prefixOf(files), 'line'], used: ['*'] }
}

/** The keys of the first line: those of most others, as a rule. */
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

function csvSource(files: readonly StagedFile[], format: CsvFormat, options: TextSourceOptions): TextSource {
  const { hive = [] } = options
  const byPosition = Object.keys(options.columns).filter(name => !hive.includes(name))
  const names = format.header ? (files[0]?.columns ?? []) : byPosition
  const nulls = format.nullValues
  const isTyped = (name: string): boolean =>
    options.isLenient === true && names.includes(name) && !hive.includes(name) && isScannable(options.columns[name])
  const texts = textNames(names)
  const types = Object.fromEntries(
    names.flatMap((name, index) => (isTyped(name) ? [[texts[index], sqlType(options.columns[name] as never)]] : [])),
  )
  const positions = new Map(names.map((name, index) => [name, index]))
  const textAt = (index: number): string => quoteName(texts[index] as string)
  return {
    from: scan(files, texts, { ...format, nulls }, { ...options, types }),
    isTyped,
    text: column => {
      const index = positions.get(column)
      return index === undefined ? undefined : textAt(index)
    },
    recordText: csvRecordText(texts, format),
    all: [...prefixOf(files), ...texts.map(quoteName)],
    used: [
      ...prefixOf(files),
      ...names.flatMap((name, index) =>
        options.keepNew || Object.hasOwn(options.columns, name) ? [textAt(index)] : [],
      ),
    ],
    undeclared: names.flatMap((name, index) =>
      Object.hasOwn(options.columns, name) ? [] : [{ name, text: textAt(index) }],
    ),
  }
}

/**
 * Names of the text columns, apart from those of the typed ones, so that neither shadows the other. Names that the engine
 * would not take (equal ones in whatever case, one with a NUL) get their position as well.
 */
function textNames(names: readonly string[]): string[] {
  const taken = new Set(names.map(name => `text ${name.toLowerCase()}`))
  const given = new Set<string>()
  return names.map((name, index) => {
    let text = `text ${name.replaceAll('\0', '\u2400')}`
    const isOwn = text === `text ${name}` && !given.has(text.toLowerCase())
    while (!isOwn && (taken.has(text.toLowerCase()) || given.has(text.toLowerCase()))) text += ` ${index + 1}`
    given.add(text.toLowerCase())
    return text
  })
}

/** A null or a format is looked at apart; the scan reads garbage in a timestamp with zone as null, without a word. */
function isScannable(column: ColumnDefinition | undefined): boolean {
  if (!column || column.required || column.format !== undefined || column.nullValues?.length) return false
  return !['string', 'binary', 'json', 'list', 'timestamptz'].includes(column.type)
}

const prefixOf = (files: readonly StagedFile[]): readonly string[] => (files[0]?.located ? prefixColumns : [])

function patternSource(from: string, pattern: string): Omit<TextSource, 'all' | 'used'> {
  const names = groupNames(pattern)
  const regex = quoteText(pattern)
  return {
    from: `(SELECT *, regexp_extract(line, ${regex}, ${quoteTexts(names)}) AS groups FROM ${from})`,
    text: column => (names.includes(column) ? `nullif(groups.${quoteName(column)}, '')` : undefined),
    undeclared: [],
    recordText: 'line',
    record: {
      tests: [{ isMet: `regexp_full_match(line, ${regex})`, expected: 'a line that matches the pattern' }],
      received: 'line',
    },
  }
}

interface ScanDialect {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly nulls: readonly string[]
}

/** Bytes of the longest record that a fast scan reads; a careful one takes the longest that there may be. */
const fastRecordBytesMax = 2_097_152
/** The engine keeps two such buffers, of its memory; of wide rows its vectors need the room. */
const bufferBytesMin = 8_388_608
const wideBufferBytesMin = 4_194_304
const wideColumns = 200
/** What the engine may count to a record beside its bytes. */
const recordMargin = 1024

function scan(
  files: readonly StagedFile[],
  names: readonly string[],
  dialect: ScanDialect,
  options: TextSourceOptions & { readonly types?: Readonly<Record<string, string>> },
): string {
  const located = prefixOf(files)
  const columns = [...located, ...names]
    .map(name => `${quoteText(name)}: ${quoteText(options.types?.[name] ?? 'VARCHAR')}`)
    .join(', ')
  const isCareful = options.badRecords !== 'fail'
  const bytesMax = isCareful ? longestRecord(files) : fastRecordBytesMax
  const settings = [
    quoteTexts(files.map(file => file.file)),
    `columns = {${columns}}`,
    'auto_detect = false, header = false, allow_quoted_nulls = false',
    // Otherwise found from the first newline, even a quoted one.
    `new_line = '${files[0]?.newline === 'crlf' ? '\\r\\n' : '\\n'}'`,
    `delim = ${quoteText(dialect.delimiter)}, quote = ${quoteText(dialect.quote)}, escape = ${quoteText(dialect.escape)}`,
    `nullstr = ${nullTexts(dialect.nulls)}`,
    `max_line_size = ${bytesMax}, buffer_size = ${Math.max(names.length > wideColumns ? wideBufferBytesMin : bufferBytesMin, bytesMax)}`,
    // Otherwise it begins anew in the middle of the text, and loses its place where bad records are near; but then it does not tell of an open quote.
    isCareful && !files.some(file => file.isOpen) ? 'parallel = false' : '',
    badRecordSettings[options.badRecords],
  ]
  return `read_csv(${settings.filter(Boolean).join(', ')})`
}

/** As large as what is there, because the engine takes a buffer's memory before it reads. */
function longestRecord(files: readonly StagedFile[]): number {
  const longest = files.reduce((most, file) => Math.max(most, file.longestRecord ?? file.bytes), 0)
  return Math.min(longestRecordBytes, Math.max(fastRecordBytesMax, longest + recordMargin))
}

const badRecordSettings = {
  fail: '',
  keep: "store_rejects = true, rejects_table = 'fanmill_errors', rejects_scan = 'fanmill_scans', rejects_limit = 0",
  ignore: 'ignore_errors = true',
}

/** The texts that are null, as SQL. Of none, one that does not occur: the engine's default would read the empty field as null. */
export const nullTexts = (nulls: readonly string[]): string =>
  quoteTexts(nulls.length > 0 ? nulls : ['\u0001fanmill no null\u0001'])
