/** Columns to paste: found in a sample of an archive's members, or of files. */
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { definitionSource, type Inferred, type SniffedCsv } from '../core/columns-source.ts'
import { PermanentError } from '../core/errors.ts'
import type { InputObject } from '../core/plan-data.ts'
import { spread } from '../core/spread.ts'
import type { Store } from '../core/store.ts'
import type { CsvFormat } from '../define/definition.ts'
import { csv } from '../define/format.ts'
import { openReader } from '../engine/dataset.ts'
import { inferParquet, inferText, sniffCsv } from '../engine/infer-columns.ts'
import { cutRecords } from '../io/cut-records.ts'
import { openStore } from '../io/open-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../io/own-folder.ts'
import { prepareParquet } from '../io/parquet-file.ts'
import { createStage } from '../io/stage.ts'
import type { FoundInputs } from '../steps/find-inputs.ts'
import {
  archiveTexts,
  fileTexts,
  kindOf,
  knownKind,
  plannedTexts,
  type SampleText,
  type TextKind,
} from './infer-sample.ts'

export interface InferOptions {
  /** Glob over the members of an archive; default those of the kind that has most bytes. */
  readonly members?: string
  /** Default found in the data. */
  readonly delimiter?: string
}

export interface InferredSource extends Inferred {
  /** TypeScript to paste into a task. */
  readonly source: string
  /** Names of the members, or files, that were looked at. */
  readonly sampled: readonly string[]
}

/**
 * Looks at the beginnings of at most 16 members, 512 KiB each, spread over the archive. Parquet is read whole, one member.
 * @throws NO_INPUT when there is nothing to look at; ZIP_*, INPUT_*
 */
export async function inferColumns(path: string, { members, delimiter }: InferOptions = {}): Promise<InferredSource> {
  const file = resolve(path)
  const store = openStore({ kind: 'disk', folder: dirname(file) })
  const object = await store.stat(basename(file))
  if (!object) throw new PermanentError('NO_INPUT', `expected an archive or a file, got nothing at ${path}`, { path })
  const input: InputObject = { ...object, identity: object.etag }
  const isZip = /\.zip$/i.test(object.key)
  const texts = isZip ? await archiveTexts(store, input, members) : fileTexts(store, [input])
  const { name } = texts[0] ?? { name: '' }
  const inferred = await inferTexts(texts, kindOf(name), delimiter === undefined ? {} : { delimiter })
  if (delimiter === undefined && knownKind(name) === undefined && Object.keys(inferred.columns).length === 1)
    throw new PermanentError(
      'INPUT_INVALID',
      `${name}: expected fields that are delimited, got one a line; write lines({ pattern }) for a log, or say the delimiter`,
      { path, name },
    )
  return inferred
}

/** The error that tells a CSV task without columns which ones its input has. */
export async function columnsMissing(
  store: Store,
  { name, format }: { readonly name: string; readonly format: CsvFormat },
  found: FoundInputs,
): Promise<PermanentError> {
  const texts = plannedTexts(store, found)
  const isPlain = JSON.stringify(format) === JSON.stringify(csv())
  const inferred = await inferTexts(texts, 'csv', isPlain ? {} : { format })
  return new PermanentError(
    'COLUMNS_MISSING',
    `task ${name}: columns: expected the columns of its CSV, got none; paste these, found in ${inferred.sampled.length} of ${found.memberCount} members`,
    { task: name, source: inferred.source, sampled: inferred.sampled },
  )
}

interface Hints {
  readonly delimiter?: string
  /** Known already: nothing is sniffed. */
  readonly format?: CsvFormat
}

async function inferTexts(texts: readonly SampleText[], kind: TextKind, hints: Hints): Promise<InferredSource> {
  const scratch = makeOwnFolder(tmpdir())
  const engine = await openReader([scratch], scratch)
  try {
    const connection = await engine.connect()
    const chosen = kind === 'parquet' ? texts.slice(0, 1) : spread(texts, samplesMax)
    const { inferred, format } = await (kind === 'parquet' ? parquetSample : textSample)(connection, chosen, {
      scratch,
      kind,
      ...hints,
    })
    if (Object.keys(inferred.columns).length === 0) throw noColumns(chosen)
    return { ...inferred, source: definitionSource(inferred, format), sampled: chosen.map(text => text.name) }
  } finally {
    engine.close()
    removeOwnFolder(scratch)
  }
}

function noColumns(texts: readonly SampleText[]): PermanentError {
  const names = texts.map(({ name }) => name)
  const listed = `${names.slice(0, 3).join(', ')}${names.length > 3 ? `, … (${names.length})` : ''}`
  return new PermanentError('NO_INPUT', `expected text with columns, got none in ${listed}`, { names })
}

/** Enough for members of several headers; 8 MiB of text take the engine a second at most. */
const samplesMax = 16
const sampleBytes = 512 * 1024

interface Sampling extends Hints {
  readonly scratch: string
  readonly kind: TextKind
}

interface Sampled {
  readonly inferred: Inferred
  readonly format: 'jsonLines' | 'parquet' | SniffedCsv
}

type Connection = Parameters<typeof sniffCsv>[0]

async function parquetSample(
  connection: Connection,
  [text]: readonly SampleText[],
  { scratch }: Sampling,
): Promise<Sampled> {
  const file = join(scratch, 'sample.parquet')
  await writeFile(file, text ? text.open() : [])
  const origin = { archive: text?.name ?? '', member: '', index: 0 }
  const parquet = prepareParquet(file, origin, 'checked')
  return { inferred: await inferParquet(connection, { file, members: [origin], parquet }), format: 'parquet' }
}

async function textSample(connection: Connection, texts: readonly SampleText[], sampling: Sampling): Promise<Sampled> {
  const { scratch, kind } = sampling
  const sniffed = kind === 'csv' ? await csvFormat(connection, texts, sampling) : { fieldCount: 0 }
  const format = kind === 'csv' ? csvOf(sniffed) : ({ kind: 'jsonLines' } as const)
  const stage = createStage({ folder: scratch, format, located: false, stageBytesMax: 64 * samplesMax * sampleBytes })
  for (const { name, open } of texts) {
    // A piece ends with a record; the rest of the text is not read.
    for await (const piece of cutRecords(open(), { format, pieceBytes: sampleBytes })) {
      stage.add(piece.bytes, { archive: name, member: '', header: piece.header })
      break
    }
  }
  const inferred = await inferText(connection, { files: stage.finish(), format, fieldCount: sniffed.fieldCount })
  return { inferred, format: kind === 'csv' ? sniffed : 'jsonLines' }
}

type FoundCsv = SniffedCsv & Partial<Pick<CsvFormat, 'nullValues' | 'encoding'>> & { readonly fieldCount: number }

/** The dialect of the first text that has any. */
async function csvFormat(
  connection: Connection,
  texts: readonly SampleText[],
  { scratch, delimiter, format }: Sampling,
): Promise<FoundCsv> {
  if (format?.header) return { ...format, fieldCount: 0 }
  const file = join(scratch, 'sniff.csv')
  for (const { open } of texts) {
    const bytes = await firstBytes(open())
    if (bytes.length === 0) continue
    await writeFile(file, bytes)
    const sniffed = await sniffCsv(connection, file, format?.delimiter ?? delimiter)
    return { ...sniffed, ...format }
  }
  return { ...format, fieldCount: 0 }
}

function csvOf({ fieldCount: _, ...options }: FoundCsv): CsvFormat {
  return { ...csv(), ...options, escape: options.escape ?? options.quote ?? '"' }
}

/** Whole lines, where there are any; a compressed or inflated rest is not read. */
async function firstBytes(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of source) {
    chunks.push(Buffer.from(chunk))
    bytes += chunk.length
    if (bytes >= sampleBytes) break
  }
  const all = Buffer.concat(chunks)
  const end = all.lastIndexOf(10) + 1
  return bytes < sampleBytes || end === 0 ? all : all.subarray(0, end)
}
