/** Stages buckets of an exchange: opens their files in place where the store is a disk, and else reads them by one range a batch. */
import { join } from 'node:path'
import { throwIfAborted } from '../errors/abort.ts'
import type { SchemaColumn } from '../model/manifest.ts'
import type { ExchangePiece, ExchangeSlice, InputObject } from '../model/plan-data.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { FileWriter } from './file-writer.ts'
import { copyChunks } from './sparse-parquet.ts'
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
    const files = await filesOf(piece, staging, slice, options)
    for (const [index, { rows, bytes }] of piece.files.entries()) {
      const isFirst = staging.parquet.length === 0
      const place = { index: 0, archive: input.key, member: '', records: 0, start: 0, end: 0 }
      const members = isFirst ? [{ ...place, firstLine: 1, firstRecord: 1, header: [] }] : []
      const file = { file: files[index] ?? '', columns: [], newline: 'lf', bytes, located: false } as const
      staging.parquet.push({ ...file, records: rows, members, side: piece.side })
      staging.addInflated(bytes)
      staging.counts.bytesIn += bytes
    }
  }
  yield
}

const pathsOf = ({ key, files }: ExchangePiece, { store }: SliceStageOptions): string[] =>
  files.map(({ name }) => store.files?.pathOf(`${key}/${name}`) ?? '')

function filesOf(
  piece: ExchangePiece,
  staging: Staging,
  { sides }: ExchangeSlice,
  options: SliceStageOptions,
): Promise<readonly string[]> | readonly string[] {
  if (piece.etag !== undefined) return openPart(piece, staging, sides?.[piece.side ?? 0] ?? [], options)
  return options.store.files ? pathsOf(piece, options) : readPiece(piece, staging, options)
}

/** Opens a part of a dataset that is kept by key where the store is a disk, and else reads the chunks of its columns. */
async function openPart(
  { key, etag = '', files }: ExchangePiece,
  staging: Staging,
  columns: readonly SchemaColumn[],
  { store, folder, signal }: SliceStageOptions,
): Promise<readonly string[]> {
  if (store.fileOf) return [await store.fileOf(key, etag)]
  const file = join(folder, `${staging.name}-${staging.parquetPaths.length}.parquet`)
  staging.parquetPaths.push(file)
  const names = new Set(columns.map(({ name }) => name))
  const part = { key, etag, sizeBytes: files[0]?.bytes ?? 0 }
  const origin = { archive: key, member: '' }
  await copyChunks(part, { store, file, origin, reading: 'own', neededColumns: async () => names, signal })
  return [file]
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
