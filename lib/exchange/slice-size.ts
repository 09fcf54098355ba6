/** The size of slices over Parquet that stages or datasets hold. */
import type { ExchangePiece, ExchangeSlice } from '../model/plan-data.ts'
import { sumFields } from '../model/sum-fields.ts'

/** Memory that rows take for a byte of Parquet, which is compressed. */
export const bytesInMemory = 4
/** Text that a slice comes near to: neighbouring small buckets are read together. */
export const sliceBytes: number = 32 * 2 ** 20

/** Returns the rows of pieces, and the memory that they take. */
export function sizeOf(pieces: readonly ExchangePiece[]): Pick<ExchangeSlice, 'rows' | 'bytes'> {
  const files = pieces.flatMap(piece => piece.files)
  const { rows, bytes } = sumFields(files, ['rows', 'bytes'])
  return { rows, bytes: bytes * bytesInMemory }
}

/** Returns neighbouring files of a batch as a piece; undefined without any. */
export function pieceOfFiles(
  fields: Omit<ExchangePiece, 'start' | 'files'>,
  files: readonly (ExchangePiece['files'][number] & { readonly start: number })[],
): ExchangePiece | undefined {
  const [first] = files
  if (!first) return undefined
  const start = first.name === undefined ? first.start : undefined
  return { ...fields, start, files: files.map(({ rows, bytes, name }) => ({ rows, bytes, name })) }
}
