/** Stages buckets of an exchange: opens their files in place where the store is a disk, and else reads them by one range a batch. */
import { join } from 'node:path'
import { throwIfAborted } from '../errors/abort.ts'
import type { ExchangePiece, ExchangeSlice, InputObject } from '../model/plan-data.ts'
import type { ByteRange } from '../store/byte-range.ts'
import { FileWriter } from './file-writer.ts'
import { addPart, counted } from './stage-parquet.ts'
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
    if (piece.etag !== undefined) await stageJoinedPart(slice, piece, staging, options)
    else await stagePiece(slice, piece, { input, staging, options })
  }
  yield
}

/** Stages a part of a dataset. One that each slice reads is staged once, and its rows count with the first slice. */
async function stageJoinedPart(
  { whole, slice }: ExchangeSlice,
  { key, etag = '', side, partition, files: [of] }: ExchangePiece,
  staging: Staging,
  options: SliceStageOptions,
): Promise<void> {
  const part = { key, etag, partition, sizeBytes: of?.bytes ?? 0 }
  const isOfAll = side !== undefined && side === whole
  const isRepeated = isOfAll && slice > 0
  const at = isOfAll ? staging.parquet.findIndex(file => file.side === side && file.members[0]?.archive === key) : -1
  const known = staging.parquet[at]
  if (!known) await addPart(part, staging, options, { side, isRepeated })
  else if (!isRepeated) staging.parquet[at] = counted(known)
}

interface PieceStaging {
  readonly input: InputObject
  readonly staging: Staging
  readonly options: SliceStageOptions
}

async function stagePiece(
  { buckets, keys: onlyKeys }: ExchangeSlice,
  piece: ExchangePiece,
  { input, staging, options }: PieceStaging,
): Promise<void> {
  const files = options.store.files ? pathsOf(piece, options) : await readPiece(piece, staging, options)
  const onlyBuckets = piece.of === undefined ? undefined : { ...buckets, of: piece.of }
  for (const [index, { rows, bytes }] of piece.files.entries()) {
    const isFirst = staging.parquet.length === 0
    const place = { index: 0, archive: input.key, member: '', records: 0, start: 0, end: 0 }
    const members = isFirst ? [{ ...place, firstLine: 1, firstRecord: 1 }] : []
    const file = { file: files[index] ?? '', columns: [], newline: 'lf', bytes, located: false } as const
    staging.parquet.push({ ...file, records: rows, members, side: piece.side, onlyBuckets, onlyKeys })
    staging.addInflated(bytes)
    staging.counts.bytesIn += bytes
  }
}

const pathsOf = ({ key, files }: ExchangePiece, { store }: SliceStageOptions): string[] =>
  files.map(({ name }) => store.files?.pathOf(`${key}/${name}`) ?? '')

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
