/** Reads samples by a proposal, with the code of a run, and counts the rows that fit. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { column } from '../define/columns/column.ts'
import type { ColumnDefinition, TaskDefinition } from '../define/definition.ts'
import { formatKind, type TextFormat } from '../define/formats/format-kind.ts'
import { parquet } from '../define/outputs/output.ts'
import { files } from '../define/sources/source.ts'
import { task } from '../define/tasks/task.ts'
import { useEngine } from '../duckdb/engine.ts'
import { expectedText } from '../engine/read/column-sql.ts'
import { rejectSchema } from '../engine/write/reject-rows.ts'
import { CapacityError } from '../errors/errors.ts'
import { hasCode } from '../errors/expected.ts'
import type { Reject } from '../model/outcome/reject.ts'
import type { InputObject } from '../model/plan-data.ts'
import type { ShareResult } from '../model/share.ts'
import { openReader, readRows } from '../query/dataset.ts'
import { memoryStore } from '../store/memory-store.ts'
import { gapsFrom } from '../text/text-filter.ts'
import { openThread } from '../threads/worker/worker-thread.ts'
import { type Inferred, type InferredColumn, writingOptions } from './columns-source.ts'
import { type Sample, wholeRecords } from './sample/bytes.ts'

export interface Proposal {
  readonly format: TextFormat
  readonly columns: Inferred['columns']
  readonly isColumnMissing: boolean
}

export interface CheckedProposal {
  readonly rows: number
  readonly rowsRejected: number
  /** The first rejects, with the name of their sample as archive. */
  readonly rejects: readonly Reject[]
  /** Columns with texts that do not fit their type. */
  readonly misfits: readonly string[]
}

export interface CheckOptions {
  readonly scratch: string
  readonly engineBytes: number
  /** Called with the number of columns checked so far. */
  readonly onChecked?: (columns: number) => void
}

/** Columns that one reading checks: a query over thousands takes the engine much longer. */
const columnsAtOnce = 400

/**
 * Returns a check that reads the samples as a run does, some hundred columns at a time where they are read by name.
 * Columns that an earlier call checked with the same types are not read again. The check throws the errors of such a run.
 */
export function createProposalCheck(
  samples: readonly Sample[],
  options: CheckOptions,
): (proposal: Proposal) => Promise<CheckedProposal> {
  const { onChecked = () => {} } = options
  const known = new Map<string, CheckedColumns>()
  let stored: { readonly format: string; readonly samples: Promise<StoredSamples> } | undefined
  return async proposal => {
    const entries = Object.entries(proposal.columns)
    const isByPosition = formatKind(proposal.format).columnsFrom === 'position'
    const step = isByPosition ? entries.length : columnsAtOnce
    const checked: CheckedColumns[] = []
    const format = JSON.stringify(proposal.format)
    if (stored?.format !== format) stored = { format, samples: storeSamples(proposal.format, samples) }
    const given = { samples, stored: await stored.samples }
    onChecked(0)
    for (let start = 0; start < entries.length; start += step) {
      const columns = Object.fromEntries(entries.slice(start, start + step))
      const key = JSON.stringify(columns)
      const found = known.get(key) ?? (await checkColumns({ ...proposal, columns }, given, options))
      known.set(key, found)
      checked.push(found)
      onChecked(Math.min(start + step, entries.length))
    }
    return joinChecks(checked)
  }
}

type CheckedColumns = CheckedProposal & { readonly rejectedRecords: ReadonlySet<string> }

/** Joins the results of several readings: a row fits if it fits all columns. */
function joinChecks(checked: readonly CheckedColumns[]): CheckedProposal {
  const [first] = checked
  if (!first || checked.length === 1) return first ?? { rows: 0, rowsRejected: 0, rejects: [], misfits: [] }
  const rejected = new Set(checked.flatMap(({ rejectedRecords }) => [...rejectedRecords]))
  return {
    rows: first.rows + first.rowsRejected - rejected.size,
    rowsRejected: rejected.size,
    rejects: (checked.find(({ rejects }) => rejects.length > 0) ?? first).rejects,
    misfits: checked.flatMap(({ misfits }) => misfits),
  }
}

/** Converts the samples as one thread's share of a run. */
async function checkColumns(
  proposal: Proposal,
  { samples, stored: { input, inputs } }: { readonly samples: readonly Sample[]; readonly stored: StoredSamples },
  { scratch, engineBytes }: CheckOptions,
): Promise<CheckedColumns> {
  const folder = mkdtempSync(join(scratch, 'check-'))
  const partFolder = join(folder, 'parts')
  mkdirSync(partFolder)
  const definition = taskOf(proposal)
  const setup = { params: {}, input, tables: [], stageFolder: folder, partFolder, engineBytes, stageBytesMax: 2 ** 32 }
  const thread = await openThread(definition, setup, () => {})
  try {
    const result = await thread.run<'share'>(shareOf(inputs, join(partFolder, 'sample'))).catch(error => {
      throw tooMuchMemoryError(error, Object.keys(proposal.columns).length)
    })
    return { ...result, rows: result.rowsRead, ...(await readRejects(result, { definition, samples, folder })) }
  } finally {
    thread.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Replaces the error of a sample that needs too much memory, because the engine's advice names options of a run. */
function tooMuchMemoryError(error: unknown, columns: number): unknown {
  if (!hasCode(error, 'OUT_OF_MEMORY')) return error
  const message = `expected a sample of ${columns} columns that can be read within the memory of one engine, got a larger one; write a few of the columns by hand: a task reads the columns that it declares`
  return new CapacityError('OUT_OF_MEMORY', message, { columns }, { cause: error })
}

type StoredSamples = Awaited<ReturnType<typeof storeSamples>>

/** Stores the samples as numbered files, because their own names may end like those of compressed files. */
async function storeSamples(format: TextFormat, samples: readonly Sample[]) {
  const input = memoryStore()
  const inputs: InputObject[] = []
  for (const [index, sample] of samples.entries()) {
    const bytes = wholeRecords(sample, format)
    const key = `sample-${index}`
    const etag = await input.write(key, bytes)
    inputs.push({ key, sizeBytes: bytes.length, etag, identity: etag })
  }
  return { input, inputs }
}

function taskOf({ format, columns, isColumnMissing }: Proposal): TaskDefinition {
  return task({
    name: 'sample',
    source: files({ paths: '*', format }),
    columns: Object.fromEntries(Object.entries(columns).map(([name, inferred]) => [name, columnOf(inferred)])),
    output: parquet({ path: 'sample' }),
    onMissingColumn: isColumnMissing ? 'null' : undefined,
    // Every declared column is still read and checked, but writing takes no time and memory.
  }).sql`select 1 as counted from input`
}

function columnOf({
  type,
  precision = 18,
  scale = 3,
  nullValues,
  items,
  from,
  ...inferred
}: InferredColumn): ColumnDefinition {
  // Types without such an option refuse it, even when it is undefined.
  const written = writingOptions.filter(name => inferred[name] !== undefined).map(name => [name, inferred[name]])
  const options = { nullValues, from, ...Object.fromEntries(written) }
  if (type === 'decimal') return column.decimal(precision, scale, options)
  if (type === 'list') return column.list(items ? columnOf(items) : column.json(), { from })
  // No proposal has structs: objects are proposed as JSON.
  if (type === 'struct') return column.json(options)
  return column[type](options)
}

/** Bytes of text that are staged at once: more than all samples have. */
const groupBytes = 2 ** 30

function shareOf(inputs: readonly InputObject[], target: string) {
  const slices = inputs.map(({ sizeBytes }, index) => ({
    kind: 'file' as const,
    slice: index,
    input: index,
    bytes: sizeBytes,
  }))
  return { kind: 'share', slices, inputs: { ...inputs }, target, groupBytes } as const
}

interface RejectsOptions {
  readonly definition: TaskDefinition
  readonly samples: readonly Sample[]
  readonly folder: string
}

const shownMax = 10
/** The most rejects that are read to find columns of a wrong type. */
const readMax = 10_000

async function readRejects(
  { rejectFiles }: ShareResult,
  { definition, samples, folder }: RejectsOptions,
): Promise<Pick<CheckedColumns, 'rejects' | 'misfits' | 'rejectedRecords'>> {
  if (rejectFiles.length === 0) return { rejects: [], misfits: [], rejectedRecords: new Set() }
  const rejectedRecords = new Set<string>()
  const rejects: Reject[] = []
  const misfits = new Set<string>()
  await useEngine(openReader([folder], folder), async engine => {
    const connection = await engine.connect()
    const query = { schema: rejectSchema, columns: namesWithoutText, rowsMax: readMax }
    for (const file of rejectFiles)
      for await (const row of readRows(connection, { file }, query)) {
        const reject = rejectOf(row, samples)
        rejectedRecords.add(`${row.archive} ${reject.record}`)
        if (rejects.length < shownMax) rejects.push(reject)
        const declared = definition.columns?.[reject.column]
        if (declared && reject.expected === expectedText(declared)) misfits.add(reject.column)
      }
  })
  return { rejects, misfits: [...misfits], rejectedRecords }
}

/** The text of a reject is only for the files of rejects. */
const namesWithoutText = rejectSchema.map(({ name }) => name).filter(name => name !== 'text')

function rejectOf(row: Readonly<Record<string, unknown>>, samples: readonly Sample[]): Reject {
  const index = Number(String(row.archive).replace('sample-', ''))
  const sample = samples[index]
  const place = { archive: sample?.name ?? String(row.archive), member: '' }
  const line = sample ? lineInText(sample, Number(row.line)) : Number(row.line)
  return { ...row, ...place, line, record: Number(row.record) } as unknown as Reject
}

/** Returns the line of the text that is a line of its sample, which may be rewritten. */
function lineInText({ bytes, gaps = [] }: Sample, line: number): number {
  let start = 0
  for (let passed = 1; passed < line; passed++) start = bytes.indexOf(10, start) + 1
  return line + gapsFrom(gaps, start + 1).lines
}
