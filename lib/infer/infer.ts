/** Infers columns to paste from a sample of an archive's members, or of files, and checks them by reading the sample. */

import { basename, dirname, join, resolve } from 'node:path'
import { hasArchiveName } from '../archive/archive-kind.ts'
import type { TextEncoding } from '../define/definition.ts'
import { csv } from '../define/formats/format.ts'
import type { FieldFormat } from '../define/formats/format-kind.ts'
import { xlsx } from '../define/formats/workbook-format.ts'
import { PermanentError } from '../errors/errors.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import { spread } from '../inputs/slices/spread.ts'
import type { InputObject } from '../model/plan-data.ts'
import { openStore } from '../store/open-store.ts'
import { inOwnFolder } from '../store/own-folder.ts'
import type { Store } from '../store/store.ts'
import { type BinaryFormat, fileKindOf } from '../text/file-kind.ts'
import { inferAvro } from './avro.ts'
import { definitionSource, type Inferred } from './columns-source.ts'
import { type DataFiles, dataFiles } from './data-files.ts'
import { checkFile } from './file.ts'
import { inferParquet } from './parquet.ts'
import type { InferredText } from './sample/found-text.ts'
import {
  archiveTexts,
  fileTexts,
  type NamedKind,
  namedKind,
  plannedTexts,
  type SampleText,
  type SampleTexts,
} from './sample/sample.ts'
import { type InferProgress, inferText } from './text.ts'
import { inferWorkbooks } from './workbook.ts'

export interface InferOptions {
  /** Glob over the members of an archive; by default all of the kind that has most bytes. */
  readonly members?: string
  /** Delimiter of the CSV; by default found in the data. */
  readonly delimiter?: string
  /** Encoding of the texts, such as `windows-1252`; by default found in the data. */
  readonly encoding?: TextEncoding
  /** Called as the work progresses. */
  readonly onProgress?: (progress: InferProgress) => void
}

export interface InferredSource extends Omit<InferredText, 'isColumnMissing'> {
  /** TypeScript to paste into a task. */
  readonly source: string
  /** Names of the members, or files, that were sampled. */
  readonly sampled: readonly string[]
  /** Number of members, or files, that could have been sampled; at most 1,000 are looked at in one archive. */
  readonly available: number
  /** Whether they are members of archives within an archive, which `zipMembers` reads with `nested: true`. */
  readonly isNested: boolean
}

/**
 * Infers columns from the beginnings of at most 16 members of archives, or files, 512 KiB each, spread over all of them, and reads the
 * sample by them as a run does. A path may be a glob, or a folder with files. For Parquet it describes one file or member.
 * @throws NO_INPUT when there is nothing to sample; ZIP_*, INPUT_*
 */
export async function inferColumns(
  path: string | readonly string[],
  options: InferOptions = {},
): Promise<InferredSource> {
  const found: SampleTexts[] = []
  for (const each of typeof path === 'string' ? [path] : path)
    found.push(await textsOfFiles(await dataFiles(each), options.members))
  return inferSample(joinTexts(found), options)
}

/** Returns what may be sampled of files. @throws NO_INPUT, ZIP_* */
export async function textsOfFiles({ folder, keys, others = [] }: DataFiles, members?: string): Promise<SampleTexts> {
  const found: SampleTexts[] = []
  for (const key of keys) found.push(await dataTexts(join(folder, key), members))
  const notes = others.length > 0 ? [`left out are files of other kinds: ${listed(others)}`] : []
  return { ...joinTexts(found), notes }
}

const joinTexts = (found: readonly SampleTexts[]): SampleTexts => ({
  texts: found.flatMap(({ texts }) => texts),
  isNested: found.some(({ isNested }) => isNested),
  notes: found.flatMap(({ notes = [] }) => notes),
})

/** Infers columns as `inferColumns` does. */
export async function inferSample(
  { texts, isNested, notes }: SampleTexts,
  options: InferOptions = {},
): Promise<InferredSource> {
  const { delimiter } = options
  const { name } = texts[0] ?? { name: '' }
  const inferred = await inferTexts(texts, namedKind(name), { ...options, isNested, notes })
  const { format } = inferred
  const isLines = format.kind === 'csv' && namedKind(name) === undefined && Object.keys(inferred.columns).length === 1
  if (delimiter === undefined && isLines) {
    const message = `${name}: expected fields that are delimited, got one in each line; write lines({ pattern }) for a log, or set the delimiter`
    throw new PermanentError('INPUT_INVALID', message, { name })
  }
  return inferred
}

/** Returns what may be sampled of a file: the members of an archive that the glob matches, or the file. @throws NO_INPUT, ZIP_* */
async function dataTexts(path: string, members?: string): Promise<SampleTexts> {
  const file = resolve(path)
  await checkFile(path)
  const store = openStore({ kind: 'disk', folder: dirname(file) })
  const object = await store.stat(basename(file))
  if (!object) throw new PermanentError('NO_INPUT', `expected an archive or a file, got nothing at ${path}`, { path })
  const input: InputObject = { ...object, identity: object.etag }
  return isArchive(object.key)
    ? archiveTexts(store, input, members)
    : { texts: fileTexts(store, [input]), isNested: false }
}

/** Whether a file has members, by its name. */
export const isArchive = (name: string): boolean => hasArchiveName(name)

/** Returns the error for a CSV task without columns, with the columns of its input to paste. */
export async function columnsMissing(
  store: Store,
  { name, format }: { readonly name: string; readonly format: FieldFormat },
  found: FoundInputs,
): Promise<PermanentError> {
  const texts = plannedTexts(store, found)
  const isPlain = JSON.stringify(format) === JSON.stringify(csv())
  const inferred = await inferTexts(texts, format.kind, isPlain ? {} : { format })
  return new PermanentError(
    'COLUMNS_MISSING',
    `task ${name}: columns: expected the columns of its ${formatNouns[format.kind]}, got none; paste these, found in ${inferred.sampled.length} of ${found.memberCount} members`,
    { task: name, source: inferred.source, sampled: inferred.sampled },
  )
}

const formatNouns: Readonly<Record<FieldFormat['kind'], string>> = {
  avro: 'Avro files',
  csv: 'CSV',
  xlsx: 'workbooks',
}

interface Hints extends Pick<InferOptions, 'delimiter' | 'encoding' | 'onProgress'> {
  readonly isNested?: boolean
  readonly notes?: readonly string[] | undefined
  /** The format, where it is known already. */
  readonly format?: FieldFormat
}

/** The most members or files of a sample: enough for several headers, and 8 MiB of text take at most a second. */
const samplesMax = 16

async function inferTexts(
  texts: readonly SampleText[],
  named: NamedKind | undefined,
  { isNested = false, notes: given = [], ...hints }: Hints,
): Promise<InferredSource> {
  return inOwnFolder(async scratch => {
    const kind = named ?? (await kindByBytes(texts[0]))
    const chosen = kind === 'parquet' ? texts.slice(0, 1) : spread(texts, samplesMax)
    const inferKind = kind && byKind[kind]
    const found = inferKind
      ? await inferKind(chosen, { ...hints, scratch })
      : await inferText(chosen, {
          ...hints,
          format: hints.format?.kind === 'csv' ? hints.format : undefined,
          named,
          scratch,
        })
    if (Object.keys(found.columns).length === 0) throw noColumns(chosen, found.unreadable)
    const notes = [...given, ...(isNested ? [nestedNote] : []), ...found.notes]
    return {
      ...found,
      notes,
      source: definitionSource(found, found.format, { ...found, notes }),
      sampled: chosen.map(text => text.name),
      available: texts.length,
      isNested,
    }
  })
}

type KindOptions = Omit<Hints, 'isNested' | 'notes'> & { readonly scratch: string }

/** How kinds that are no texts are inferred. */
const byKind: Partial<
  Record<NamedKind, (texts: readonly SampleText[], options: KindOptions) => Promise<InferredText>>
> = {
  avro: (texts, { format: _, ...options }) => inferAvro(texts, options),
  parquet: (texts, { scratch }) => inferParquet(texts, scratch),
  xlsx: (texts, { format, ...options }) => inferWorkbooks(texts, format?.kind === 'xlsx' ? format : xlsx(), options),
}

/** Returns the kind of a file without a known name by its first bytes, where these show one. */
async function kindByBytes(text: SampleText | undefined): Promise<BinaryFormat | undefined> {
  for await (const chunk of text?.open() ?? []) return fileKindOf(chunk)?.format
  return undefined
}

const nestedNote = 'the records are in archives within an archive: set nested: true in zipMembers()'

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? `, … (${names.length})` : ''}`

function noColumns(texts: readonly SampleText[], unreadable: Inferred['unreadable']): PermanentError {
  const names = texts.map(({ name }) => name)
  const types = Object.entries(unreadable).map(([name, type]) => `${name} of the type ${type}`)
  const message =
    types.length === 0
      ? `expected text with columns, got none in ${listed(names)}`
      : `${listed(names)}: expected columns that can be read, got only ${types.join(', ')}, which no column of Fanmill holds`
  return new PermanentError(types.length === 0 ? 'NO_INPUT' : 'INPUT_INVALID', message, { names, unreadable })
}
