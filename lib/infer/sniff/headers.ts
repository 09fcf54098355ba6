/** Compares the headers of samples: which names are one column, and which may be. */
import { engineName } from '../../errors/engine-name.ts'

export interface SampleHeader {
  /** Name of the sample. */
  readonly sample: string
  readonly names: readonly string[]
}

export interface NamedColumn {
  /** The name of the column in the definition: the first one that is an identifier, else the first one. */
  readonly name: string
  /** Other spellings. */
  readonly others: readonly string[]
  /** Whether no file has two of the spellings, so that they can be one column. */
  readonly isOne: boolean
}

/** Returns the names as columns: spellings that differ only in case and in what separates words are one. */
export function namedColumns(headers: readonly SampleHeader[]): readonly NamedColumn[] {
  const names = new Set(headers.flatMap(header => header.names))
  const columns: NamedColumn[] = []
  for (const spellings of Map.groupBy(names, spelling).values()) {
    if (spellings.length === 1 || areApart(spellings, headers)) columns.push(columnOf(spellings, true))
    // Names that differ only in case cannot be two columns.
    else for (const same of Map.groupBy(spellings, engineName).values()) columns.push(columnOf(same, false))
  }
  return columns
}

function columnOf(spellings: readonly string[], isOne: boolean): NamedColumn {
  const name = spellings.find(each => /^[A-Za-z_$][\w$]*$/.test(each)) ?? spellings[0] ?? ''
  return { name, others: spellings.filter(each => each !== name), isOne }
}

/** Returns a name in lower case with one separator between words. */
const spelling = (name: string): string => {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_|_$/g, '')
  return plain === '' ? name : plain
}

/** Whether no header has two of the names. */
const areApart = (names: readonly string[], headers: readonly SampleHeader[]): boolean =>
  headers.every(header => names.filter(name => header.names.includes(name)).length < 2)

/** Headers that a note names. */
const shownMax = 3
/** Shorter beginnings of names say little. */
const lengthMin = 3

/** Returns what to read before headers that differ are used. */
export function headerNotes(headers: readonly SampleHeader[], columns: readonly NamedColumn[]): readonly string[] {
  const groups = [...Map.groupBy(headers, ({ names }) => JSON.stringify(names.toSorted())).values()]
  if (groups.length < 2) return []
  const texts = groups
    .toSorted((a, b) => b.length - a.length)
    .slice(0, shownMax)
    .map(([first, ...more]) => `${first?.sample}${more.length > 0 ? ` and ${more.length} more` : ''}`)
  const rest = groups.length > shownMax ? `, … (${groups.length})` : ''
  return [
    `${headers.length} samples have ${groups.length} different headers: ${texts.join('; ')}${rest}`,
    ...likelyPairs(headers, columns).map(
      ([a, b]) => `${a} and ${b} are in no file together: if they are one column, write from: ['${a}', '${b}']`,
    ),
  ]
}

/** Returns pairs of columns that no file has together, of which one name begins with the other. */
function likelyPairs(
  headers: readonly SampleHeader[],
  columns: readonly NamedColumn[],
): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = []
  const spelled = columns.map(column => ({ ...column, plain: spelling(column.name) }))
  for (const short of spelled.filter(({ plain }) => plain.length >= lengthMin))
    for (const long of spelled) {
      if (short.plain === long.plain || !long.plain.startsWith(short.plain)) continue
      if (areApart([short.name, ...short.others, long.name, ...long.others], headers))
        pairs.push([short.name, long.name])
      if (pairs.length === shownMax) return pairs
    }
  return pairs
}
