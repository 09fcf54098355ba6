/** Proposes columns for sampled text, and changes them until as much of the sample fits as can. */
import { frozen } from '../define/freeze.ts'
import { type CheckedProposal, type CheckOptions, createProposalCheck } from './check-proposal.ts'
import type { Candidate } from './column-candidates.ts'
import type { InferredColumn } from './columns-source.ts'
import { type CsvHints, findCsv, typedColumns } from './csv.ts'
import { findPlaces } from './fixed-width.ts'
import { findJson } from './json.ts'
import { readSample, type Sample } from './sample/bytes.ts'
import type { FoundText, InferredText } from './sample/found-text.ts'
import { lineTexts } from './sample/line-texts.ts'
import type { NamedKind, SampleText } from './sample/sample.ts'
import { isDocument } from './sample/text-kind.ts'

/** How far `infer` is. */
export interface InferProgress {
  readonly phase: 'read' | 'find' | 'check'
  /** Samples read, or columns found. */
  readonly done: number
  readonly total: number
}

export interface InferTextOptions extends CsvHints {
  /** The kind that the names of the texts show; undefined where they do not. */
  readonly named: NamedKind | undefined
  /** Columns whose types are known; default none. */
  readonly given?: Readonly<Record<string, InferredColumn>>
  readonly scratch: string
  readonly onProgress?: (progress: InferProgress) => void
}

/** Infers columns of texts of one kind. @throws INPUT_INVALID, INPUT_ENCODING for other files; and the errors of a run */
export async function inferText(texts: readonly SampleText[], options: InferTextOptions): Promise<InferredText> {
  const { named, onProgress = () => {} } = options
  const samples: Sample[] = []
  for (const [index, text] of texts.entries()) {
    onProgress({ phase: 'read', done: index, total: texts.length })
    samples.push(await readSample(text, start => isDocument(start, named)))
  }
  onProgress({ phase: 'find', done: 0, total: samples.length })
  const lines = await lineTexts(samples, named)
  const hints = { ...options, ...(lines.isDecoded && decodedHints(options)), isUntyped: lines.isUntyped }
  const found = lines.kind === 'jsonLines' ? await findJson(lines.samples, hints) : findCsv(lines.samples, hints)
  const columns = found.columns.map(each => ({ ...each, column: options.given?.[each.name] ?? each.column }))
  const { format, notes, ...fitted } = await fitColumns({ ...found, columns }, lines.samples, options)
  if (lines.kind === 'csv' && named === undefined && options.delimiter === undefined) {
    const inPlaces = await inferPlaces(fitted, lines.samples, hints)
    if (inPlaces) return { ...inPlaces, format: lines.formatOf(inPlaces.format) }
  }
  return { ...fitted, format: lines.formatOf(format), notes: [...lines.notes, ...notes] }
}

/** Returns the hints for texts that were converted to UTF-8. */
const decodedHints = ({ format }: CsvHints): CsvHints => ({
  encoding: 'utf-8',
  ...(format && { format: frozen({ ...format, encoding: 'utf-8' } as const) }),
})

/** Finds columns in places, where there are no fields with delimiters that fit. */
async function inferPlaces(
  { columns, rowsRejected }: Pick<InferredText, 'columns' | 'rowsRejected'>,
  samples: readonly Sample[],
  options: InferTextOptions,
): Promise<InferredLines | undefined> {
  const found = Object.keys(columns).length > 1 && rowsRejected === 0 ? undefined : findPlaces(samples, options)
  const fitted = found && (await fitColumns(found, samples, options))
  return fitted && (Object.keys(columns).length < 2 || fitted.rowsRejected < rowsRejected) ? fitted : undefined
}

/** An inferred text whose records are lines. */
type InferredLines = InferredText & Pick<FoundText, 'format'>

async function fitColumns(
  found: FoundText,
  samples: readonly Sample[],
  { scratch, onProgress = () => {} }: Pick<InferTextOptions, 'scratch' | 'onProgress'>,
): Promise<InferredLines> {
  if (found.columns.length === 0) return { ...found, ...nothingRead, columns: {} }
  const onChecked = (done: number): void => onProgress({ phase: 'check', done, total: found.columns.length })
  const { columns, checked } = await fitTypes(found, samples, { scratch, onChecked })
  const { rows, rowsRejected, rejects } = checked
  return { ...found, columns, rows, rowsRejected, rejects, unreadable: {}, notes: notesOf(found, checked) }
}

const nothingRead = { rows: 0, rowsRejected: 0, rejects: [], unreadable: {} }

/** How often types may turn out wrong before all wrong columns become strings. */
const roundsMax = 4

interface TypedProposal {
  readonly columns: Readonly<Record<string, InferredColumn>>
  readonly checked: CheckedProposal
}

/** Infers types by how texts are written. Where the engine disagrees, the next type is tried, and in the end a string. */
async function fitTypes(
  found: FoundText,
  samples: readonly Sample[],
  options: Pick<CheckOptions, 'scratch' | 'onChecked'>,
): Promise<TypedProposal> {
  const check = createProposalCheck(samples, { ...options, engineBytes: engineBytesFor(found.columns.length) })
  const refused = new Map<string, readonly Candidate[]>()
  let strings: readonly string[] = []
  for (let round = 1; ; round++) {
    const typed = typedColumns(found.columns, refused)
    const columns = { ...typed, ...Object.fromEntries(strings.map(name => [name, { type: 'string' } as const])) }
    const checked = await check({ format: found.format, columns, isColumnMissing: found.isColumnMissing })
    if (checked.misfits.length === 0) return { columns, checked }
    if (round >= roundsMax) strings = [...strings, ...checked.misfits]
    for (const name of checked.misfits) refused.set(name, [...(refused.get(name) ?? []), columns[name] as Candidate])
  }
}

const engineBytesMin = 512 * 1024 * 1024
/** The engine needs memory for vectors of every column at once. */
const engineBytesForColumn = 256 * 1024

const engineBytesFor = (columns: number): number => Math.max(engineBytesMin, columns * engineBytesForColumn)

/** Characters of a row that a note shows. */
const shownMax = 80

function notesOf({ notes }: FoundText, { rows, rowsRejected, rejects }: CheckedProposal): readonly string[] {
  const [first] = rejects
  if (!first) return notes
  const { archive, line, column, expected, received } = first
  const where = `${archive}, line ${line}${column === '' ? '' : `, column ${column}`}`
  const count = `${rowsRejected} of ${rows + rowsRejected} rows of the sample`
  const text = received.length > shownMax ? `${received.slice(0, shownMax)}…` : received
  return [
    ...notes,
    `${count} ${rowsRejected === 1 ? 'does' : 'do'} not fit: ${where}: expected ${expected}, got ${text}`,
    'such rows become rejects, which fail a run: correct the file, or allow some with the option rejects of the task',
  ]
}
