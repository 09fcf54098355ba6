/** Finds where the records of a delimited text begin: lines above the header, the header, and comments. */
import { Buffer } from 'node:buffer'
import { engineName } from '../../errors/engine-name.ts'
import type { Dialect } from '../../text/records/dialect.ts'
import { candidatesOf } from '../column-candidates.ts'
import { fieldsOf, type SampleBytes, type SampleRecord, sampleRecords } from '../sample/records.ts'
import { rankDialects, type SniffOptions, type TriedDialect } from './dialect.ts'

/** The dialect of a delimited text, and where its records begin. */
export interface CsvLayout {
  readonly dialect: Dialect
  readonly skip: number
  readonly header: boolean
  /** Names of columns that are read by position; they come from the header, where there is one that cannot be used as it is. */
  readonly names: readonly string[]
  /** Remarks to read before the layout is used. */
  readonly notes: readonly string[]
}

/** A line with which spreadsheet programs name their delimiter. */
const separatorLine = /^sep=(.)\r?\n/i

/** Returns the layout of a text. It reads every record of the sample, except for those with other fields than most. */
export function sniffLayout(sample: SampleBytes, options: SniffOptions = {}): CsvLayout {
  const head = Buffer.from(sample.bytes.subarray(0, 16)).toString('latin1')
  const [line, separator] = separatorLine.exec(head) ?? []
  if (line === undefined || separator === undefined) return layoutOf(sample, options)
  const rest = { ...sample, bytes: sample.bytes.subarray(line.length) }
  const layout = layoutOf(rest, { ...options, delimiter: options.delimiter ?? separator })
  return {
    ...layout,
    skip: layout.skip + 1,
    notes: [`line 1 names the delimiter ${JSON.stringify(separator)}`, ...layout.notes],
  }
}

function layoutOf(sample: SampleBytes, options: SniffOptions): CsvLayout {
  const [plain] = rankDialects(sample, options)
  const records = plain ? sampleRecords(sample, plain.dialect) : []
  if (!plain || records.length === 0) return emptyLayout
  const marked = markedLines(sample)
  if (marked.length === 0) return placeHeader(sample, plain, records)
  const [commented = plain] = rankDialects(sample, { ...options, comment: '#' })
  const markedRecords = records.filter(({ start }) => sample.bytes[start] === hash)
  const isBetter = commented.isConsistent && !plain.isConsistent && !hasMarkedRow(markedRecords, plain)
  if (!isBetter && !hasComments(markedRecords, plain)) return placeHeader(sample, plain, records)
  const note = `lines that begin with # are taken for comments: ${marked.length}, the first is ${marked[0]}`
  const layout = placeHeader(sample, commented, sampleRecords(sample, commented.dialect))
  return { ...layout, notes: [...layout.notes, note] }
}

const emptyLayout: CsvLayout = {
  dialect: { delimiter: ',', quote: '"', escape: '"' },
  skip: 0,
  header: true,
  names: [],
  notes: [],
}

/** Returns lines that may be comments. */
function markedLines({ bytes }: SampleBytes): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return Array.from(text.matchAll(/^#.*/gm), ([line]) => line.slice(0, shownMax))
}

/** Characters of a line that a note shows. */
const shownMax = 60

const hash = 0x23

/** Whether a line that begins with `#` has as many fields as the others: then it is a row, or the header. */
const hasMarkedRow = (marked: readonly SampleRecord[], { fieldCount }: TriedDialect): boolean =>
  marked.some(record => record.fieldCount === fieldCount && record.lines === 1)

function hasComments(marked: readonly SampleRecord[], { fieldCount }: TriedDialect): boolean {
  if (fieldCount === 1) return marked.some(({ line }) => line === 1)
  return marked.length > 0 && marked.every(record => record.fieldCount !== fieldCount)
}

/** The most records of a title above a header. */
const titleRecordsMax = 20

function placeHeader(sample: SampleBytes, tried: TriedDialect, records: readonly SampleRecord[]): CsvLayout {
  const { dialect } = tried
  const fieldCount = beginsWithRows(sample, records, tried) ? (records[0]?.fieldCount ?? 1) : tried.fieldCount
  const texts = (record: SampleRecord | undefined): string[] => (record ? textsOf(sample, record, dialect) : [])
  const isUsual = (record: SampleRecord): boolean => record.fieldCount === fieldCount && !record.isMalformed
  // The first record that has as many fields as the others is never skipped: it may be a row.
  const first = Math.max(0, records.slice(0, titleRecordsMax).findIndex(isUsual))
  const rows = records.slice(first + 1).filter(isUsual)
  const below = rows.slice(0, rowsMax).map(texts)
  const isHeader = looksLikeHeader(texts(records[first]), below)
  const [top] = records
  // Below a header that has other fields than its rows, columns are read by position.
  if (first === 1 && top && top.fieldCount > 1 && looksLikeHeader(texts(top), [texts(records[first]), ...below]))
    if (!isHeader || fieldCount < top.fieldCount) return byPosition(texts(top), { dialect, top, below, fieldCount })
  // Without a header, lines with several fields are rows as well, though bad ones.
  const isTitle = isHeader || records.slice(0, first).every(record => record.fieldCount === 1)
  const skipped = first === 0 || !isTitle ? 0 : (records[first]?.line ?? 1) - 1
  const notes =
    skipped === 0
      ? []
      : [`${linesText(skipped)}, above the ${isHeader ? 'header' : 'rows'}, not read: ${lineAt(sample, records[0])}`]
  if (!isHeader) return { dialect, skip: skipped, header: false, names: numbered(fieldCount), notes }
  const fault = headerFault(texts(records[first]))
  if (fault === undefined) return { dialect, skip: skipped, header: true, names: [], notes }
  const names = uniqueNames(texts(records[first]))
  const lines = (records[first]?.line ?? 1) + (records[first]?.lines ?? 1) - 1
  const why = `the header has ${fault}: columns are read by position`
  return { dialect, skip: lines, header: false, names, notes: [...notes, why] }
}

const textsOf = (sample: SampleBytes, record: SampleRecord, dialect: Dialect): string[] =>
  fieldsOf(sample, record, dialect).map(({ text }) => text)

/** Whether the text begins with rows that have another number of fields than most: they are no title and must not be lost. */
function beginsWithRows(
  sample: SampleBytes,
  records: readonly SampleRecord[],
  { dialect, fieldCount }: TriedDialect,
): boolean {
  const first = records.findIndex(record => record.fieldCount === fieldCount && !record.isMalformed)
  const [top, ...others] = records.slice(0, Math.max(0, first))
  const like = others.filter(record => record.fieldCount === top?.fieldCount)
  if (!top || top.fieldCount === 1 || like.length === 0) return false
  const texts = (record: SampleRecord): string[] => textsOf(sample, record, dialect)
  if (looksLikeHeader(texts(top), like.slice(0, rowsMax).map(texts))) return true
  // Lines of names and values may stand above a table, whose own header shows where it begins.
  const rows = records.slice(first + 1).filter(record => record.fieldCount === fieldCount)
  return !looksLikeHeader(texts(records[first] as SampleRecord), rows.slice(0, rowsMax).map(texts))
}

interface HeaderPlace {
  readonly dialect: Dialect
  readonly top: SampleRecord
  readonly below: readonly (readonly string[])[]
  readonly fieldCount: number
}

/** Returns a layout that reads columns by position. Rows with one field more than the header end with a delimiter, or begin with a name of their own. */
function byPosition(header: readonly string[], { dialect, top, below, fieldCount }: HeaderPlace): CsvLayout {
  const isEmptyLast = below.every(row => row.at(-1) === '')
  const extra = Array.from({ length: Math.max(0, fieldCount - header.length) }, () => '')
  const names = isEmptyLast ? [...header, ...extra] : [...extra, ...header]
  const note = `the header has ${header.length} fields and the rows have ${fieldCount}: columns are read by position`
  return {
    dialect,
    skip: top.line + top.lines - 1,
    header: false,
    names: uniqueNames(names.slice(0, fieldCount)),
    notes: [note],
  }
}

/** Returns the first line of a record, as a note shows it. */
function lineAt({ bytes }: SampleBytes, record: SampleRecord | undefined): string {
  const { start = 0, end = 0 } = record ?? {}
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
  return text.slice(0, shownMax)
}

const linesText = (count: number): string => (count === 1 ? 'line 1' : `lines 1 to ${count}`)

export const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `column_${index + 1}`)

/** Returns the names without NUL characters; repeated and empty ones get a number. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((given, index) => {
    const plain = given.replaceAll('\0', '') || String(index + 1)
    // A JavaScript object moves keys that are numbers to its front.
    const name = /^[0-9]+$/.test(plain) ? `column_${plain}` : plain
    let unique = name
    for (let count = 2; taken.has(engineName(unique)); count++) unique = `${name}_${count}`
    taken.add(engineName(unique))
    return unique
  })
}

/** Returns why the names of a header cannot be used as they are. */
function headerFault(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const name of names) {
    if (name.includes('\0')) return `a NUL character in the name ${JSON.stringify(name.replaceAll('\0', ''))}`
    if (name !== '' && seen.has(engineName(name))) return `${JSON.stringify(name)} more than once`
    seen.add(engineName(name))
  }
  return undefined
}

/** Rows below the first record with which it is compared. */
const rowsMax = 200

/** Whether a record names the columns of the rows below it: it has names where they have values. */
export function looksLikeHeader(names: readonly string[], rows: readonly (readonly string[])[]): boolean {
  if (names.every(name => name === '')) return false
  const columns = names.map((_, index) => rows.map(row => row[index] ?? '').filter(text => text !== ''))
  const values = names.filter((name, index) => isValue(name) && !isOfOtherType(name, columns[index] ?? []))
  if (values.length > 0) return isYears(values)
  if (rows.length === 0) return !names.some(isValue)
  if (columns.some(texts => texts.length > 0 && texts.every(isValue))) return true
  // In columns of text, a name is not among the values of its column.
  return !names.some((name, index) => name !== '' && columns[index]?.includes(name))
}

/** A number as it is written in any country, or in an identifier. */
const digits = /^[-+]?[\d.,' ]*\d[\d.,' ]*%?$/

const isValue = (text: string): boolean => text !== '' && (digits.test(text) || candidatesOf([text]).length > 0)

/** Whether a value stands above values of another type, as a date above numbers does in tables with a column a day. */
const isOfOtherType = (name: string, below: readonly string[]): boolean =>
  candidatesOf(below).length > 0 && candidatesOf([name, ...below]).length === 0

/** Whether numbers in a header are years, one after another, as in tables with a column a year. */
function isYears(names: readonly string[]): boolean {
  const years = names.map(name => (/^(1[5-9]|2[01])\d\d$/.test(name) ? Number(name) : Number.NaN))
  if (years.length < 2) return false
  return years.every((year, index) => index === 0 || Math.abs(year - (years[index - 1] as number)) === 1)
}
