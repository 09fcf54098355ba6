/** Stages Parquet files: those of others as copies that are prepared for the engine, parts of datasets on a disk where they are. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type MemberPlace, withPlace } from '../model/member-place.ts'
import type { InputObject, PartSlice } from '../model/plan-data.ts'
import { type ParquetContent, prepareParquet } from '../parquet/file.ts'
import { refuseOtherFile } from '../text/other-file.ts'
import { FileWriter } from './file-writer.ts'
import { copyChunks, openAsWritten, openInPlace, type SparseResult } from './sparse-parquet.ts'
import type { StagedFile, StagedMember } from './staged-file.ts'
import type { FileColumns, SliceStageOptions, Staging } from './staging.ts'

/** Stages a Parquet file that is prepared for the engine. Its footer holds the number of rows. */
export async function stageParquet(
  staging: Staging,
  { folder, isLocated }: SliceStageOptions,
  origin: MemberPlace,
  source: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = newFile(staging, folder)
  if (source instanceof Uint8Array) writeWhole(file, source, origin)
  else await pipeline(Readable.from(checkParquet(source, origin)), createWriteStream(file))
  addParquet(staging, { file, isLocated, origin, parquet: prepareParquet(file, origin, isLocated ? 'raw' : 'checked') })
}

/**
 * Stages a Parquet file of others. On a disk the engine opens the file itself where it changes no value, else only the chunks of the columns
 * that are read are copied.
 */
export async function stageParquetFile(
  input: Pick<InputObject, 'key' | 'etag' | 'sizeBytes'>,
  staging: Staging,
  options: SliceStageOptions,
): Promise<void> {
  const { store, isLocated, signal } = options
  const origin = { archive: input.key, member: '' }
  const opening = async () => (await openFile(input, staging, options)) ?? (await copyFile(input, staging, options))
  const { file, parquet, bytesRead, rowGroupsSkipped } = await opening().catch(async (error: unknown) => {
    const range = { start: 0, end: Math.min(input.sizeBytes, headBytes) }
    // A file of another kind is named by its first bytes.
    refuseNonParquet(await store.read(input.key, { etag: input.etag, range, signal }), origin)
    throw error
  })
  staging.counts.bytesIn += bytesRead
  staging.counts.rowGroupsSkipped += rowGroupsSkipped
  addParquet(staging, { file, isLocated, origin, parquet })
}

type OpenedFile = SparseResult & { readonly file: string }

/** Returns nothing for a file that the engine must not open as it is. */
async function openFile(
  { key, etag }: Pick<InputObject, 'key' | 'etag'>,
  staging: Staging,
  { store, isLocated, neededColumns, rowGroups }: SliceStageOptions,
): Promise<OpenedFile | undefined> {
  if (isLocated || !store.fileOf) return undefined
  const file = await store.fileOf(key, etag)
  if (file === undefined) return undefined
  const opened = await openAsWritten(file, { origin: { archive: key, member: '' }, neededColumns, rowGroups })
  if (!opened) return undefined
  staging.opened.push({ key, etag })
  return { ...opened, file }
}

async function copyFile(
  input: Pick<InputObject, 'key' | 'etag' | 'sizeBytes'>,
  staging: Staging,
  { store, folder, isLocated, neededColumns, rowGroups, signal }: SliceStageOptions,
): Promise<OpenedFile> {
  const file = newFile(staging, folder)
  const reading = isLocated ? 'raw' : 'checked'
  const origin = { archive: input.key, member: '' }
  const options = { store, file, origin, reading, neededColumns, rowGroups, signal } as const
  return { ...(await copyChunks(input, options)), file }
}

/** Enough to tell what a file is. */
const headBytes = 4096

/**
 * Stages a part of a dataset: its values fit, because Fanmill wrote them. On a disk the engine opens the part itself, else the chunks that
 * are needed are copied.
 */
// biome-ignore lint/correctness/useYield: deliberately a generator, as every slice is staged by one; a part is one piece
export async function* stagePart(
  { part }: PartSlice,
  current: () => Staging,
  options: SliceStageOptions,
): AsyncGenerator<void> {
  const staging = current()
  staging.counts.members++
  await addPart(part, staging, options)
}

/** How the rows of a part are joined. */
interface JoinedPart {
  /** 0 the left one. */
  readonly side?: number | undefined
  /** Its rows are counted with another slice. Default false. */
  readonly isRepeated?: boolean
}

/** Stages the file of a part. */
export async function addPart(
  part: PartSlice['part'],
  staging: Staging,
  { store, folder, isLocated, neededColumns: columnsOf, rowGroups, signal }: SliceStageOptions,
  { side, isRepeated = false }: JoinedPart = {},
): Promise<void> {
  const { key, etag, sizeBytes, partition = {} } = part
  // No file is that small: the part stands for a table without any.
  if (sizeBytes === 0) return
  const origin = { archive: key, member: '' }
  // Faults of a join name the columns of its key.
  const reading = side === undefined ? 'own' : 'named'
  const neededColumns = columnsOf && ((file: FileColumns) => columnsOf({ ...file, side }))
  staging.addInflated(sizeBytes)
  const inPlace = await store.fileOf?.(key, etag)
  const file = inPlace ?? newFile(staging, folder)
  const { parquet, bytesRead, rowGroupsSkipped } = inPlace
    ? await openInPlace(file, { origin, neededColumns, rowGroups })
    : await copyChunks(part, { store, file, origin, reading, neededColumns, rowGroups, signal })
  staging.counts.bytesIn += bytesRead
  staging.counts.rowGroupsSkipped += rowGroupsSkipped
  if (parquet.rowCount > 0) addParquet(staging, { file, isLocated, origin, partition, parquet, side, isRepeated })
}

function newFile(staging: Staging, folder: string): string {
  const file = join(folder, `${staging.name}-${staging.parquet.length}.parquet`)
  staging.parquetPaths.push(file)
  return file
}

interface PreparedFile {
  readonly file: string
  readonly isLocated: boolean
  readonly origin: MemberPlace
  readonly parquet: ParquetContent
  readonly partition?: StagedMember['partition']
  readonly side?: number | undefined
  readonly isRepeated?: boolean
}

/** Returns a staged part whose rows are counted with its own slice. */
export function counted(file: StagedFile): StagedFile {
  const records = file.parquet?.rowCount ?? 0
  return { ...file, records, members: file.members.map(member => ({ ...member, records })) }
}

function addParquet(staging: Staging, prepared: PreparedFile): void {
  const { file, isLocated, origin, parquet, partition, side, isRepeated } = prepared
  const index = staging.parquet.length
  const records = isRepeated ? 0 : parquet.rowCount
  const place = { index, ...origin, partition, records, start: 0, end: 0, firstLine: 1, firstRecord: 1 }
  const shared = { columns: [], newline: 'lf', bytes: 1, located: isLocated } as const
  staging.parquet.push({ ...shared, file, records, members: [place], parquet, side })
}

/** Refuses a file of another kind by its first chunk, because the engine's message does not say what the file is. */
async function* checkParquet(source: AsyncIterable<Uint8Array>, origin: MemberPlace): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const chunk of source) {
    if (isFirst) refuseNonParquet(chunk, origin)
    isFirst = false
    yield chunk
  }
}

function refuseNonParquet(chunk: Uint8Array, origin: MemberPlace): void {
  try {
    refuseOtherFile(chunk, origin.member || origin.archive, 'a Parquet file')
  } catch (error) {
    throw withPlace(error, origin)
  }
}

function writeWhole(file: string, bytes: Uint8Array, origin: MemberPlace): void {
  refuseNonParquet(bytes, origin)
  const writer = new FileWriter(file)
  writer.append(bytes)
  writer.close()
}
