/** Finds the dialect of a delimited text: its delimiter, its quote and the quote's escape. */
import { Buffer } from 'node:buffer'
import type { Dialect } from '../../text/records/dialect.ts'
import { fieldsOf, type SampleBytes, type SampleRecord, sampleRecords } from '../sample/records.ts'

/** A dialect that was tried on a sample. */
export interface TriedDialect {
  readonly dialect: Dialect
  /** Number of fields that most lines have. */
  readonly fieldCount: number
  /** From 0 to 1, higher is better; comparable between dialects of one sample. */
  readonly score: number
  /** Whether every record has that many fields. */
  readonly isConsistent: boolean
}

export interface SniffOptions {
  /** The delimiter, where it is known already. */
  readonly delimiter?: string | undefined
  readonly comment?: string
}

/** Delimiters in order of preference where dialects fit equally well. */
const commonDelimiters = [',', ';', '\t', '|']
/** Delimiters that are tried only where none of the common ones splits the text. */
const rareDelimiters = ['\x01', '\x1f', '^', '~', '§', '¦']

/** Returns every dialect that the sample may have, the best first. */
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
  // A delimiter that splits every record alike is right, even where another one splits most of them.
  return bestByDelimiter.sort((a, b) => Number(b.isConsistent) - Number(a.isConsistent) || b.score - a.score)
}

const bufferOf = ({ bytes }: SampleBytes): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

type Quoting = Pick<Dialect, 'quote' | 'escape'>

/** Returns the ways of quoting that the text may have, the usual one first, because it wins where there is no difference. */
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

/** Factor for a text whose first record has other fields than the rest: it may be a title. */
const otherFirst = 0.25
/** Factor for a text of one field in each record. */
const oneField = 0.05
/** Factor for such a text where quotes keep delimiters inside the field. */
const oneGuardedField = 0.5

function tryDialect(sample: SampleBytes, dialect: Dialect): TriedDialect {
  const records = sampleRecords(sample, dialect)
  const fieldCount = usualCount(records)
  const usual = records.filter(record => isUsual(record, fieldCount))
  const lines = sum(records) || 1
  const share = sum(usual) / lines
  const isSplit = fieldCount > 1
  const isGuarded = !isSplit && keepsDelimitersQuoted(sample, usual, dialect)
  const parts = isSplit ? (fieldCount - 1) / fieldCount : isGuarded ? oneGuardedField : oneField
  const first = records[0] && isUsual(records[0], fieldCount) ? 1 : otherFirst
  const named = dialect.delimiter === '|' ? namedShare(sample, records[0], dialect) : 1
  const clean = cleanShare(sample, usual, dialect)
  const isConsistent = (isSplit || isGuarded) && usual.length === records.length
  return { dialect, fieldCount, score: share * parts * first * named * clean * clean, isConsistent }
}

/** Whether records of one field have delimiters, and only inside quotes. */
function keepsDelimitersQuoted(sample: SampleBytes, records: readonly SampleRecord[], dialect: Dialect): boolean {
  const fields = records.slice(0, examinedMax).flatMap(record => fieldsOf(sample, record, dialect))
  const split = fields.filter(({ text }) => commonDelimiters.some(delimiter => text.includes(delimiter)))
  return split.length > 0 && split.every(({ isQuoted }) => isQuoted)
}

/** Returns the share of the first record's fields that are not empty: `a||b` has a delimiter of two characters. */
function namedShare(sample: SampleBytes, record: SampleRecord | undefined, dialect: Dialect): number {
  const fields = record ? fieldsOf(sample, record, dialect) : []
  return fields.length === 0 ? 1 : fields.filter(({ text }) => text !== '').length / fields.length
}

const isUsual = (record: SampleRecord, fieldCount: number): boolean =>
  record.fieldCount === fieldCount && !record.isMalformed

const sum = (records: readonly SampleRecord[]): number => records.reduce((total, { lines }) => total + lines, 0)

/** Returns the number of fields that most lines have; the larger of two that equally many lines have. */
function usualCount(records: readonly SampleRecord[]): number {
  const lines = new Map<number, number>()
  for (const record of records)
    if (!record.isMalformed) lines.set(record.fieldCount, (lines.get(record.fieldCount) ?? 0) + record.lines)
  const counts = [...lines].sort(([a, aLines], [b, bLines]) => bLines - aLines || b - a)
  return counts[0]?.[0] ?? 1
}

/** Records whose fields are examined. */
const examinedMax = 100
/** Fields examined in all, so that wide texts take no longer. */
const fieldsMax = 20_000

/** Returns the share of fields that seem to be whole. */
function cleanShare(sample: SampleBytes, records: readonly SampleRecord[], dialect: Dialect): number {
  let clean = 0
  let all = 0
  for (const record of records.slice(0, examinedMax)) {
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

/** Returns 1 for a field that seems to be whole; 0.5 for one that holds another delimiter or stands in quotes that the dialect does not have. */
function cleanness(text: string, delimiter: string): number {
  if (quotedWhole.test(text)) return 0.5
  const isSplit = commonDelimiters.some(other => other !== delimiter && text.includes(other))
  return isSplit && !decimalComma.test(text) ? 0.5 : 1
}
