/** Stages buckets of an exchange: opens their files in place where the store is a disk, and else reads them by one range a batch. */
import { join } from 'node:path'
import { throwIfAborted } from '../errors/abort.ts'
import type { SchemaColumn } from '../model/manifest.ts'
import type { ExchangePiece, ExchangeSlice, InputObject } from '../model/plan-data.ts'
import { sumFields } from '../model/sum-fields.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { FileWriter } from './file-writer.ts'
import { copyChunks, openInPlace } from './sparse-parquet.ts'
import type { SliceStageOptions, Staging } from './staging.ts'

/** Stages the files of a slice. Their rows are those that the stage before has counted. Memory: the largest range. */
export async function* stageExchange(
  slice: ExchangeSlice,
  input: InputObject,
  current: () => Staging,
  options: SliceStageOptions,
): AsyncGenerator<void> {
  const staging = current()
  staging.counts.members++
  for (const piece of slice.pieces) {
    throwIfAborted(options.signal)
    const { files, bytesRead } = await openPiece(piece, staging, slice, options)
    staging.counts.bytesIn += bytesRead
    for (const [index, { rows, bytes }] of piece.files.entries()) {
      const isFirst = staging.parquet.length === 0
      const place = { index: 0, archive: input.key, member: '', records: 0, start: 0, end: 0 }
      const members = isFirst ? [{ ...place, firstLine: 1, firstRecord: 1, header: [] }] : []
      const file = { file: files[index] ?? '', columns: [], newline: 'lf', bytes, located: false } as const
      const onlyBuckets = piece.of === undefined ? undefined : { ...slice.buckets, of: piece.of }
      staging.parquet.push({ ...file, records: rows, members, side: piece.side, onlyBuckets, onlyKeys: slice.keys })
      staging.addInflated(bytes)
    }
  }
  yield
}

const pathsOf = ({ key, files }: ExchangePiece, { store }: SliceStageOptions): string[] =>
  files.map(({ name }) => store.files?.pathOf(`${key}/${name}`) ?? '')

/** The files of a piece where the engine opens them, and the bytes that are read for them. */
interface OpenedPiece {
  readonly files: readonly string[]
  readonly bytesRead: number
}

async function openPiece(
  piece: ExchangePiece,
  staging: Staging,
  { sides }: ExchangeSlice,
  options: SliceStageOptions,
): Promise<OpenedPiece> {
  if (piece.etag !== undefined) return openPart(piece, staging, sides?.[piece.side ?? 0] ?? [], options)
  const files = options.store.files ? pathsOf(piece, options) : await readPiece(piece, staging, options)
  return { files, bytesRead: sumFields(piece.files, ['bytes']).bytes }
}

/** Opens a part of a dataset that is kept by key where the store is a disk, and else copies the chunks of its columns. */
async function openPart(
  { key, etag = '', files: [part] }: ExchangePiece,
  staging: Staging,
  columns: readonly SchemaColumn[],
  { store, folder, signal }: SliceStageOptions,
): Promise<OpenedPiece> {
  const names = new Set(columns.map(({ name }) => name))
  const place = { origin: { archive: key, member: '' }, neededColumns: async () => names }
  if (store.fileOf) {
    const file = await store.fileOf(key, etag)
    return { files: [file], bytesRead: (await openInPlace(file, place)).bytesRead }
  }
  const file = join(folder, `${staging.name}-part${staging.parquetPaths.length}.parquet`)
  staging.parquetPaths.push(file)
  const input = { key, etag, sizeBytes: part?.bytes ?? 0 }
  const { bytesRead } = await copyChunks(input, { ...place, store, file, reading: 'named', signal })
  return { files: [file], bytesRead }
}

/** Returns the range in which the files of a piece stand back to back. */
export function rangeOf({ start = 0, files }: ExchangePiece): ByteRange {
  return { start, end: files.reduce((end, { bytes }) => end + bytes, start) }
}

async function readPiece(
  piece: ExchangePiece,
  staging: Staging,
  { store, folder, signal }: SliceStageOptions,
): Promise<string[]> {
  const bytes = await store.read(piece.key, { range: rangeOf(piece), signal })
  const paths: string[] = []
  let at = 0
  for (const { bytes: length } of piece.files) {
    const path = join(folder, `${staging.name}-${staging.parquetPaths.length}.parquet`)
    staging.parquetPaths.push(path)
    const writer = new FileWriter(path)
    writer.append(bytes.subarray(at, at + length))
    writer.close()
    paths.push(path)
    at += length
  }
  return paths
}
