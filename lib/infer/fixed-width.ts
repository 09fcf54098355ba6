/** Finds the columns of lines that are all equally long: they end where all lines are blank. */
import type { FieldRange, TextEncoding } from '../define/definition.ts'
import { fixedWidth } from '../define/formats/fixed-width.ts'
import { decodeText, withoutBom } from '../text/encoding.ts'
import type { FoundColumn } from './infer-columns.ts'
import type { Sample } from './sample/bytes.ts'
import type { FoundText } from './sample/found-text.ts'
import { sniffEncoding } from './sniff/encoding.ts'
import { looksLikeHeader, numbered, uniqueNames } from './sniff/layout.ts'

/** Fewer lines say little about what is blank in all of them. */
const linesMin = 3

/** Returns the columns of lines of one length that are blank at the same places; undefined for other texts. */
export function findPlaces(
  samples: readonly Sample[],
  { encoding: known }: { readonly encoding?: TextEncoding | undefined },
): FoundText | undefined {
  const { encoding, notes } = sniffEncoding(samples, known)
  const texts = samples.map(sample => linesOf(sample, encoding)).filter(lines => lines.length > 0)
  const tops = texts.map(lines => headerLines(lines))
  const [skip = 0] = tops
  const rows = texts.flatMap((lines, index) => lines.slice(tops[index]))
  const width = rows[0]?.length ?? 0
  const isEven =
    rows.length >= linesMin && rows.every(({ length }) => length === width) && tops.every(top => top === skip)
  const headers = texts.flatMap(lines => lines.slice(0, skip === 0 ? 0 : 1)).filter(({ length }) => length === width)
  const ranges = isEven ? placesIn(rows, headers) : []
  if (ranges.length < 2) return undefined
  const fieldsOf = (line: Line): string[] =>
    ranges.map(({ from, to }) =>
      line
        .slice(from - 1, to)
        .join('')
        .trim(),
    )
  const header = skip > 0 ? fieldsOf(texts[0]?.[0] ?? []) : []
  const names = header.every(name => name === '') ? numbered(ranges.length) : uniqueNames(header)
  const fields = rows.map(fieldsOf)
  const columns = names.map(
    (name, index): FoundColumn => ({
      name,
      others: [],
      texts: new Set(fields.map(row => row[index] ?? '').filter(text => text !== '')),
      isText: false,
    }),
  )
  const note = `unsure: all lines have ${width} characters and are blank at the same places, so columns are taken to end there; compare these places with a description of the file`
  const places = Object.fromEntries(names.map((name, index) => [name, ranges[index] as FieldRange]))
  const format = fixedWidth({ columns: places, skip, encoding })
  return { format, columns, notes: [note, ...notes], isColumnMissing: false }
}

/** The characters of a line. */
type Line = readonly string[]

/** Returns the lines of a sample that are not blank, except for the last one where the end of the sample may cut it. */
function linesOf({ bytes, isWhole }: Sample, encoding: TextEncoding): readonly Line[] {
  const lines = decodeText(withoutBom(bytes), encoding).split(/\r?\n/)
  return (isWhole ? lines : lines.slice(0, -1)).filter(line => line.trim() !== '').map(line => Array.from(line))
}

/** Returns how many lines stand above the rows: a header, and a line that underlines it. */
function headerLines([first = [], second = [], ...rest]: readonly Line[]): number {
  const isRule = second.every(character => '-= '.includes(character))
  if (isRule && rest.length > 0) return 2
  const below = [second, ...rest]
  const words = wordsOf(first)
  return looksLikeHeader(words, below.map(wordsOf)) ? 1 : 0
}

const wordsOf = (line: Line): string[] => line.join('').trim().split(/ +/)

/** Returns the places between the characters that are blank in every row and header. White space around a field belongs to the field that it aligns. */
function placesIn(rows: readonly Line[], headers: readonly Line[]): readonly FieldRange[] {
  const width = rows[0]?.length ?? 0
  const lines = [...headers, ...rows]
  const isBlank = Array.from({ length: width }, (_, at) => lines.every(line => line[at] === ' '))
  const filled = filledRanges(isBlank)
  const starts = filled.map(({ start, end }, index) => {
    const before = filled[index - 1]?.end
    if (before === undefined) return 0
    return alignsRight(rows, start, end) ? before : start
  })
  return starts.map((start, index) => ({ from: start + 1, to: starts[index + 1] ?? width }))
}

interface CharacterRange {
  readonly start: number
  readonly end: number
}

/** Returns the ranges of characters that are not blank in every line. */
function filledRanges(isBlank: readonly boolean[]): readonly CharacterRange[] {
  const ranges: CharacterRange[] = []
  for (let at = 0; at < isBlank.length; at++) {
    if (isBlank[at]) continue
    const last = ranges.at(-1)
    if (last?.end === at) ranges[ranges.length - 1] = { start: last.start, end: at + 1 }
    else ranges.push({ start: at, end: at + 1 })
  }
  return ranges
}

/** Whether fields end at one place and begin at several, as numbers do. */
function alignsRight(rows: readonly Line[], start: number, end: number): boolean {
  const fields = rows.map(line => line.slice(start, end)).filter(field => field.some(character => character !== ' '))
  return fields.every(field => field.at(-1) !== ' ') && fields.some(field => field[0] === ' ')
}
