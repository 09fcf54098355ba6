/** Finds the types that texts may have, by how they are written. The engine has the final word. */

import { ambiguousFormats } from '../define/columns/time-format.ts'
import type { ScalarType } from '../define/definition.ts'
import type { InferredColumn, writingOptions } from './columns-source.ts'

/** A type, and how its texts are written: undefined for ISO 8601, and for numbers as in code. */
export type Candidate = Pick<InferredColumn, 'type' | (typeof writingOptions)[number]>

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

type Separators = Pick<Candidate, 'decimalSeparator' | 'thousandsSeparator'>

/** Returns a shape of numbers such as `12,50`, `1.234,50` or `1,234`, of as many digits as a float keeps and without leading zeros. */
function separatedShape(type: 'int64' | 'float64', separators: Separators): Shape {
  const { decimalSeparator = '.', thousandsSeparator } = separators
  const groups = thousandsSeparator === undefined ? '' : `|[1-9]\\d{0,2}(\\${thousandsSeparator}\\d{3})+`
  const fraction = type === 'int64' ? '' : `(\\${decimalSeparator}\\d+)?`
  const regex = new RegExp(`^[+-]?(0|[1-9]\\d*${groups})${fraction}$`)
  return { type, ...separators, fits: text => regex.test(text) && text.replace(/\D/g, '').length <= 15 }
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
const separated: readonly Shape[] = [
  separatedShape('float64', { decimalSeparator: ',' }),
  separatedShape('float64', { decimalSeparator: ',', thousandsSeparator: '.' }),
  separatedShape('int64', { thousandsSeparator: ',' }),
  separatedShape('float64', { thousandsSeparator: ',' }),
]
const times: readonly Shape[] = [
  { type: 'date', fits: timeTest(dayPart) },
  { type: 'timestamp', fits: timeTest(`${dayPart}(?:[ T]${timePart})?`) },
  { type: 'timestamptz', fits: timeTest(`${dayPart}(?:[ T]${timePart}(?:${zonePart})?)?`) },
  { type: 'time', fits: timeTest(timePart) },
  ...allDateFormats.map(format => shapeOfFormat('date', format)),
  ...allDateFormats.flatMap(date => timeFormats.map(time => shapeOfFormat('timestamp', `${date} ${time}`))),
]

const shapesOf = (isText: boolean): readonly Shape[] => (isText ? times : [...numbers, ...separated, ...times])

/**
 * Returns the types that fit every text, the narrowest first; none without texts. Where none does, dates and timestamps that are written
 * in several formats. With `isText` only times fit, because a text in JSON is no number.
 */
export function candidatesOf(texts: Iterable<string>, { isText = false } = {}): Candidate[] {
  let fitting = shapesOf(isText)
  const all = [...texts]
  for (const text of all) {
    fitting = fitting.filter(shape => shape.fits(text))
    if (fitting.length === 0) return severalFormats(all)
  }
  return all.length === 0 ? [] : fitting.map(({ fits, ...candidate }) => candidate)
}

/** Returns the type that fits most texts, and the texts that it does not fit. */
export function nearestCandidate(
  texts: Iterable<string>,
  { isText = false } = {},
): (Candidate & { readonly others: readonly string[] }) | undefined {
  const all = [...texts]
  const counted = shapesOf(isText).map(({ fits, ...each }) => ({ ...each, others: all.filter(text => !fits(text)) }))
  return counted.sort((a, b) => a.others.length - b.others.length)[0]
}

/** Texts that many programs write for a missing value. */
export const nullMarks: readonly string[] = [
  ...['', 'NA', 'N/A', 'n/a', '#N/A', 'NULL', 'null', 'None', 'NaN', 'nan', '\\N', '-', '--', '.', '?'],
]

/** ISO 8601 as formats, for columns that have others too. */
const isoTimes = ['%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%dT%H:%M']
const formatsOf = (type: ScalarType, iso: readonly string[]): readonly (Shape & { readonly format: string })[] => [
  ...iso.map(format => ({ ...shapeOfFormat(type, format), format })),
  ...times.flatMap(shape =>
    shape.type === type && typeof shape.format === 'string' ? [{ ...shape, format: shape.format }] : [],
  ),
]
const severalTimes = [formatsOf('date', ['%Y-%m-%d']), formatsOf('timestamp', isoTimes)]

/** More formats than these are rather texts of people than of programs. */
const formatsMax = 4
/** Texts that show whether a column has times at all. */
const firstTexts = 20

/** Returns a column whose texts have several formats, none of which reads a text of another one differently. */
function severalFormats(texts: readonly string[]): Candidate[] {
  return severalTimes.flatMap(shapes => {
    if (!texts.slice(0, firstTexts).every(text => shapes.some(shape => shape.fits(text)))) return []
    const chosen: string[] = []
    for (let rest = texts; rest.length > 0; ) {
      const open = shapes.filter(({ format }) => !ambiguousFormats([...chosen, format]))
      const [best] = open
        .map(shape => ({ shape, left: rest.filter(text => !shape.fits(text)) }))
        .sort((a, b) => a.left.length - b.left.length)
      if (!best || best.left.length === rest.length || chosen.length === formatsMax) return []
      chosen.push(best.shape.format)
      rest = best.left
    }
    return chosen.length > 1 ? [{ type: shapes[0]?.type ?? 'date', format: chosen }] : []
  })
}
