/** Proposes columns for sampled text, and changes them until as much of the sample fits as can. */
import { type CheckedProposal, type CheckOptions, createProposalCheck } from './check-proposal.ts'
import type { Candidate } from './column-candidates.ts'
import type { InferredColumn } from './columns-source.ts'
import { type CsvHints, findCsv, typedColumns } from './csv.ts'
import type { FoundText, InferredText } from './found-text.ts'
import { findJson } from './json.ts'
import type { InferProgress } from './progress.ts'
import type { SampleText, TextKind } from './sample.ts'
import { readSample, type Sample } from './sample-bytes.ts'

export interface InferTextOptions extends CsvHints {
  readonly kind: TextKind
  readonly scratch: string
  readonly onProgress?: (progress: InferProgress) => void
}

/** Infers columns of texts of one kind. @throws INPUT_INVALID, INPUT_ENCODING for other files; and the errors of a run */
export async function inferText(texts: readonly SampleText[], options: InferTextOptions): Promise<InferredText> {
  const { kind, scratch, onProgress = () => {} } = options
  const samples: Sample[] = []
  for (const [index, text] of texts.entries()) {
    onProgress({ phase: 'read', done: index, total: texts.length })
    samples.push(await readSample(text))
  }
  onProgress({ phase: 'find', done: 0, total: samples.length })
  const found = kind === 'jsonLines' ? await findJson(samples, options) : findCsv(samples, options)
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
    for (const name of checked.misfits) {
      const { type, format } = columns[name] as Candidate
      refused.set(name, [...(refused.get(name) ?? []), { type, format }])
    }
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
