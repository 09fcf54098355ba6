/** Finds out how a delimited text is written: its delimiter, its quote and the quote's escape. */
import { Buffer } from 'node:buffer'
import type { Dialect } from '../text/record-dialect.ts'
import { fieldsOf, type SampleBytes, type SampleRecord, sampleRecords } from './sample-records.ts'

/** A dialect that was tried on a sample. */
export interface TriedDialect {
  readonly dialect: Dialect
  /** Fields that most lines have. */
  readonly fieldCount: number
  /** From 0 to 1, the higher the better; comparable between dialects of one sample. */
  readonly score: number
  /** Whether every record, the first included, has that many fields. */
  readonly isConsistent: boolean
}

export interface SniffOptions {
  /** Known already. */
  readonly delimiter?: string
  readonly comment?: string
}

/** In order of preference where dialects fit equally well. */
const commonDelimiters = [',', ';', '\t', '|']
/** Tried only where none of the common ones parts the text. */
const rareDelimiters = ['\x01', '\x1f', '^', '~', '§', '¦']

/** Every dialect that the sample may be written in, the best first. */
export function rankDialects(sample: SampleBytes, options: SniffOptions = {}): TriedDialect[] {
  const common = bufferOf(sample).includes('||') ? [...commonDelimiters, '||'] : commonDelimiters
  const delimiters = options.delimiter === undefined ? common : [options.delimiter]
  const ranked = tryAll(sample, delimiters, options)
  if ((ranked[0]?.fieldCount ?? 0) > 1 || options.delimiter !== undefined) return ranked
  const rare = tryAll(sample, rareDelimiters, options)
  return (rare[0]?.fieldCount ?? 0) > 1 ? rare : ranked
}

function tryAll(sample: SampleBytes, delimiters: readonly string[], { comment }: SniffOptions): TriedDialect[] {
  const quotes = quotesIn(sample)
  const bestByDelimiter = delimiters.map(delimiter => {
    const tried = quotes.map(quote => tryDialect(sample, { delimiter, ...quote, comment }))
    return tried.reduce((best, each) => (each.score > best.score ? each : best))
  })
  // A delimiter that parts every record alike is right, whatever else could part most of them.
  return bestByDelimiter.sort((a, b) => Number(b.isConsistent) - Number(a.isConsistent) || b.score - a.score)
}

const bufferOf = ({ bytes }: SampleBytes): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

type Quoting = Pick<Dialect, 'quote' | 'escape'>

/** Ways of quoting that the text may have; the usual one first, which wins where there is no difference. */
function quotesIn(sample: SampleBytes): readonly Quoting[] {
  const usual = { quote: '"', escape: '"' }
  const has = (text: string): boolean => bufferOf(sample).includes(text)
  return [
    usual,
    ...(has('\\"') ? [{ quote: '"', escape: '\\' }] : []),
    ...(has('"') ? [{ quote: '', escape: '' }] : []),
    ...(has("'") ? [{ quote: "'", escape: "'" }] : []),
    ...(has("\\'") ? [{ quote: "'", escape: '\\' }] : []),
  ]
}

/** What a text whose first record has other fields than the rest is worth: there may be a title above it. */
const otherFirst = 0.25
/** What a text of one field a record is worth. */
const oneField = 0.05
/** The same where quotes keep a delimiter in its field. */
const oneGuardedField = 0.5

function tryDialect(sample: SampleBytes, dialect: Dialect): TriedDialect {
  const records = sampleRecords(sample, dialect)
  const fieldCount = usualCount(records)
  const usual = records.filter(record => isUsual(record, fieldCount))
  const lines = sum(records) || 1
  const share = sum(usual) / lines
  const isParted = fieldCount > 1
  const isGuarded = !isParted && keepsDelimitersQuoted(sample, usual, dialect)
  const parts = isParted ? (fieldCount - 1) / fieldCount : isGuarded ? oneGuardedField : oneField
  const first = records[0] && isUsual(records[0], fieldCount) ? 1 : otherFirst
  const named = dialect.delimiter === '|' ? namedShare(sample, records[0], dialect) : 1
  const clean = cleanShare(sample, usual, dialect)
  const isConsistent = (isParted || isGuarded) && usual.length === records.length
  return { dialect, fieldCount, score: share * parts * first * named * clean * clean, isConsistent }
}

/** Whether records of one field have delimiters, and these stand in quotes alone. */
function keepsDelimitersQuoted(sample: SampleBytes, records: readonly SampleRecord[], dialect: Dialect): boolean {
  const fields = records.slice(0, looksMax).flatMap(record => fieldsOf(sample, record, dialect))
  const parted = fields.filter(({ text }) => commonDelimiters.some(delimiter => text.includes(delimiter)))
  return parted.length > 0 && parted.every(({ isQuoted }) => isQuoted)
}

/** The share of fields of the first record that are not empty: `a||b` has a delimiter of two characters. */
function namedShare(sample: SampleBytes, record: SampleRecord | undefined, dialect: Dialect): number {
  const fields = record ? fieldsOf(sample, record, dialect) : []
  return fields.length === 0 ? 1 : fields.filter(({ text }) => text !== '').length / fields.length
}

const isUsual = (record: SampleRecord, fieldCount: number): boolean =>
  record.fieldCount === fieldCount && !record.isMalformed

const sum = (records: readonly SampleRecord[]): number => records.reduce((total, { lines }) => total + lines, 0)

/** The number of fields that most lines have; the larger one of two that as many have. */
function usualCount(records: readonly SampleRecord[]): number {
  const lines = new Map<number, number>()
  for (const record of records)
    if (!record.isMalformed) lines.set(record.fieldCount, (lines.get(record.fieldCount) ?? 0) + record.lines)
  const counts = [...lines].sort(([a, aLines], [b, bLines]) => bLines - aLines || b - a)
  return counts[0]?.[0] ?? 1
}

/** Records whose fields are looked at. */
const looksMax = 100
/** Fields looked at in all, so that wide texts take no longer. */
const fieldsMax = 20_000

/** The share of fields that look as if they were whole. */
function cleanShare(sample: SampleBytes, records: readonly SampleRecord[], dialect: Dialect): number {
  let clean = 0
  let all = 0
  for (const record of records.slice(0, looksMax)) {
    for (const { text, isQuoted } of fieldsOf(sample, record, dialect)) {
      clean += isQuoted ? 1 : cleanness(text, dialect.delimiter)
      all++
    }
    if (all > fieldsMax) break
  }
  return all === 0 ? 1 : clean / all
}

const decimalComma = /^\s*[-+]?[\d.' ]*\d,\d+\s*%?\s*$/
const quotedWhole = /^\s*(["']).*\1\s*$/s

/** Half of a field that holds another delimiter, or stands in quotes that the dialect does not know. */
function cleanness(text: string, delimiter: string): number {
  if (quotedWhole.test(text)) return 0.5
  const isParted = commonDelimiters.some(other => other !== delimiter && text.includes(other))
  return isParted && !decimalComma.test(text) ? 0.5 : 1
}
