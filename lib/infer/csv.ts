/** Finds the format and the columns of sampled CSV. */
import type { CsvFormat, TextEncoding } from '../define/definition.ts'
import { csv } from '../define/formats/format.ts'
import { layoutOfText } from '../define/formats/format-kind.ts'
import { readHeader } from '../text/csv-header.ts'
import { bomBytes, toUtf8, withoutBom } from '../text/encoding.ts'
import { dialectOf } from '../text/records/dialect.ts'
import type { Candidate } from './column-candidates.ts'
import type { InferredColumn } from './columns-source.ts'
import { inferColumn } from './infer-column.ts'
import type { FoundColumn } from './infer-columns.ts'
import { type Sample, wholeRecords } from './sample/bytes.ts'
import type { FoundText } from './sample/found-text.ts'
import { fieldsOf, type SampleBytes, type SampleRecord, sampleRecords } from './sample/records.ts'
import { sniffEncoding } from './sniff/encoding.ts'
import { headerNotes, namedColumns, type SampleHeader } from './sniff/headers.ts'
import { type CsvLayout, numbered, sniffLayout } from './sniff/layout.ts'

export interface CsvHints {
  readonly delimiter?: string
  /** The encoding of the texts; default found in the data. */
  readonly encoding?: TextEncoding
  /** The format, where it is known already: then only columns are inferred. */
  readonly format?: CsvFormat
}

/** Finds a format for all samples, and the columns that they have by it. */
export function findCsv(samples: readonly Sample[], hints: CsvHints): FoundText {
  const filled = samples.filter(({ bytes }) => bytes.length > bomBytes(bytes))
  const known = hints.format ? layoutOfText(hints.format).encoding : hints.encoding
  const { encoding, notes } = sniffEncoding(filled, known)
  const texts = filled.map(({ bytes, isWhole }) => ({ bytes: withoutBom(toUtf8(bytes, encoding)), isWhole }))
  const layout = layoutOf(texts, hints)
  const { dialect, skip, header } = layout
  const format = hints.format ?? csv({ ...dialect, skip, header, encoding })
  const columns = new ColumnTexts(layout.names)
  for (const sample of filled) columns.read(sample, format)
  const { headers, ...found } = columns.found()
  return { format, ...found, notes: [...layout.notes, ...notes, ...headerNotes(headers, found.named)] }
}

/** Bytes of all samples together that are read to find the dialect. */
const sniffBytes = 2 * 1024 * 1024
const sniffBytesMin = 64 * 1024

/** Returns the layout that most texts have, with a note about the others. */
function layoutOf(texts: readonly SampleBytes[], { delimiter, format }: CsvHints): CsvLayout {
  const each = Math.max(sniffBytesMin, sniffBytes / Math.max(1, texts.length))
  const sniffed = texts.map(({ bytes, isWhole }) =>
    sniffLayout(
      { bytes: bytes.subarray(0, each), isWhole: isWhole && bytes.length <= each },
      { delimiter: format?.delimiter ?? delimiter },
    ),
  )
  const groups = [
    ...Map.groupBy(sniffed, ({ dialect, skip, header }) => JSON.stringify([dialect, skip, header])).values(),
  ]
  const [most = []] = groups.sort((a, b) => b.length - a.length)
  const [layout = sniffLayout({ bytes: new Uint8Array(0), isWhole: true })] = most
  if (format) return { ...layout, notes: [] }
  const others = texts.length - most.length
  const note = `${others} of ${texts.length} files are written in another way: delimiter, quotes, header or lines above it`
  return others === 0 ? layout : { ...layout, notes: [...layout.notes, note] }
}

/** The most distinct texts of a column that are kept; the check of the proposal reads all of them. */
const textsMax = 20_000

/** Gathers the texts of columns by name, or by position where there is no header. */
class ColumnTexts {
  private readonly texts = new Map<string, Set<string>>()
  private readonly positions: readonly string[]
  private readonly headers: SampleHeader[] = []

  constructor(positions: readonly string[]) {
    this.positions = positions
  }

  read(sample: Sample, format: CsvFormat): void {
    const text = toUtf8(wholeRecords(sample, format), layoutOfText(format).encoding)
    const dialect = dialectOf(format)
    const header = readHeader(text, dialect, format)
    const body = { bytes: text.subarray(header.end), isWhole: true }
    const records = sampleRecords(body, dialect)
    const names = format.header ? header.names : this.namesFor(records)
    this.headers.push({ sample: sample.name, names })
    const sets = names.map(name => this.setOf(name))
    for (const record of records) {
      if (record.fieldCount !== names.length || record.isMalformed) continue
      for (const [index, field] of fieldsOf(body, record, dialect).entries()) {
        const set = sets[index]
        if (!set || set.size >= textsMax || (!field.isQuoted && format.nullValues.includes(field.text))) continue
        set.add(field.text)
      }
    }
  }

  found() {
    const headers = this.headers.filter(({ names }) => names.length > 0)
    const named = namedColumns(headers)
    const columns = named.map(({ name, others, isOne }): FoundColumn => {
      const texts = new Set([name, ...others].flatMap(each => [...this.setOf(each)]))
      return { name, others, isOne, texts, isText: false }
    })
    const lacks = ({ names }: SampleHeader): boolean =>
      named.some(({ name, others, isOne }) => ![name, ...(isOne ? others : [])].some(each => names.includes(each)))
    return { headers, named, columns, isColumnMissing: headers.some(lacks) }
  }

  private namesFor(records: readonly SampleRecord[]): readonly string[] {
    if (this.positions.length > 0) return this.positions
    return numbered(records[0]?.fieldCount ?? 0)
  }

  private setOf(name: string): Set<string> {
    const set = this.texts.get(name) ?? new Set()
    this.texts.set(name, set)
    return set
  }
}

export function typedColumns(
  found: readonly FoundColumn[],
  refused: ReadonlyMap<string, readonly Candidate[]>,
): Readonly<Record<string, InferredColumn>> {
  const typed = found.map(({ name, others, isOne, texts, isText, column, from }) => {
    const read = column ?? inferColumn(texts, { isText, refused: refused.get(name) ?? [] })
    const inferred = from === undefined ? read : { ...read, from: [from] }
    if (others.length === 0) return [name, inferred] as const
    if (isOne) return [name, { ...inferred, from: [name, ...others] }] as const
    return [name, { ...inferred, note: `also written ${others.join(', ')}, which is not read as this` }] as const
  })
  return Object.fromEntries(typed)
}
