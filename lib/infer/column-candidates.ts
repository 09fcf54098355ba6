/** Finds the types that texts may have, by how they are written. The engine has the final word. */
import type { ColumnDefinition, ScalarType } from '../define/definition.ts'

export interface Candidate {
  readonly type: ColumnDefinition['type']
  /** strptime format; undefined for the form of ISO 8601. */
  readonly format?: string
}

interface Shape extends Candidate {
  fits(text: string): boolean
}

const isPadded = (text: string): boolean => /^[+-]?0[0-9]/.test(text)
const int64Max = 2n ** 63n

function isInteger(text: string): boolean {
  if (!/^[+-]?[0-9]{1,19}$/.test(text) || isPadded(text)) return false
  if (text.length < 19) return true
  const value = BigInt(text.replace('+', ''))
  return value < int64Max && value >= -int64Max
}

const number = /^ *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *$/

/** Whether a text is a float. An identifier with leading zeros, or with more digits than a float keeps, stays a text. */
function isFloat(text: string): boolean {
  if (/^[+-]?(nan|inf|infinity)$/i.test(text)) return true
  return (
    number.test(text) && !isPadded(text.trim()) && !/^ *[+-]?[0-9]{16,} *$/.test(text) && Number.isFinite(Number(text))
  )
}

const dayPart = '(?<Y>\\d{4})-(?<m>\\d{1,2})-(?<d>\\d{1,2})'
const timePart = '(?<H>\\d{1,2}):(?<M>\\d{2})(?::(?<S>\\d{2})(?:\\.\\d{1,6}0*)?)?'
const zonePart = ' ?(?:Z|UTC|[+-](?:0?\\d|1[0-5])(?::?[0-5]\\d)?)'

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const parts: Readonly<Record<string, string>> = {
  '%Y': '(?<Y>\\d{4})',
  '%y': '(?<y>\\d{2})',
  '%m': '(?<m>\\d{1,2})',
  '%d': '(?<d>\\d{1,2})',
  '%b': `(?<b>${monthNames.join('|')})`,
  '%H': '(?<H>\\d{1,2})',
  '%I': '(?<I>\\d{1,2})',
  '%M': '(?<M>\\d{2})',
  '%S': '(?<S>\\d{2})',
  '%p': '(?:AM|PM)',
}

/** Returns a test for texts of a pattern whose named groups are the parts of an existing date and time. */
function timeTest(pattern: string): (text: string) => boolean {
  const regex = new RegExp(`^${pattern}$`, 'i')
  return text => {
    const found = regex.exec(text)
    return found !== null && (found.groups === undefined || isExistingTime(found.groups))
  }
}

function isExistingTime({ Y, y, m, d, b, H, I, M, S }: Readonly<Record<string, string | undefined>>): boolean {
  const month = b === undefined ? Number(m ?? 1) : monthNames.indexOf(b.toLowerCase()) + 1
  if (month < 1 || month > 12 || Number(H ?? 0) > 23 || Number(M ?? 0) > 59 || Number(S ?? 0) > 59) return false
  if (I !== undefined && (Number(I) < 1 || Number(I) > 12)) return false
  const day = Number(d ?? 1)
  const year = Y === undefined ? 2000 + Number(y ?? 0) : Number(Y)
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

const shapeOfFormat = (type: ScalarType, format: string): Shape => ({
  type,
  format,
  fits: timeTest(format.replaceAll('.', '\\.').replaceAll(/%[A-Za-z]/g, part => parts[part] ?? part)),
})

const dateFormats = ['%d/%m/%Y', '%m/%d/%Y', '%d.%m.%Y', '%d-%m-%Y', '%m-%d-%Y', '%Y/%m/%d', '%b %d %Y', '%d %b %Y']
const shortDateFormats = ['%d-%b-%Y', '%d/%m/%y', '%m/%d/%y', '%d.%m.%y', '%d-%b-%y']
const timeFormats = ['%H:%M:%S', '%H:%M', '%I:%M:%S %p', '%I:%M %p']
const allDateFormats = [...dateFormats, ...shortDateFormats]

const numbers: readonly Shape[] = [
  { type: 'int64', fits: isInteger },
  { type: 'float64', fits: isFloat },
  { type: 'boolean', fits: text => /^(true|false)$/i.test(text) },
]
const times: readonly Shape[] = [
  { type: 'date', fits: timeTest(dayPart) },
  { type: 'timestamp', fits: timeTest(`${dayPart}(?:[ T]${timePart})?`) },
  { type: 'timestamptz', fits: timeTest(`${dayPart}(?:[ T]${timePart}(?:${zonePart})?)?`) },
  { type: 'time', fits: timeTest(timePart) },
  ...allDateFormats.map(format => shapeOfFormat('date', format)),
  ...allDateFormats.flatMap(date => timeFormats.map(time => shapeOfFormat('timestamp', `${date} ${time}`))),
]

/** Returns the types that fit every text, the narrowest first; none without texts. With `isText` only times fit, because a text in JSON is no number. */
export function candidatesOf(texts: Iterable<string>, { isText = false } = {}): Candidate[] {
  let fitting: readonly Shape[] = isText ? times : [...numbers, ...times]
  let count = 0
  for (const text of texts) {
    fitting = fitting.filter(shape => shape.fits(text))
    if (fitting.length === 0) return []
    count++
  }
  return count === 0 ? [] : fitting.map(({ type, format }) => ({ type, format }))
}

/** Texts that many programs write for a missing value. */
export const nullMarks: readonly string[] = [
  ...['', 'NA', 'N/A', 'n/a', '#N/A', 'NULL', 'null', 'None', 'NaN', 'nan', '\\N', '-', '--', '.', '?'],
]
