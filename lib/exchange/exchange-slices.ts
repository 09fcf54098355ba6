/** Cuts the rows of an exchange into slices of neighbouring buckets. */
import { PermanentError } from '../errors/errors.ts'
import type { ExchangedRows, Outcome } from '../model/outcome/outcome.ts'
import type { ExchangePiece, ExchangeSlice, InputObject, SideColumns } from '../model/plan-data.ts'
import { sumFields } from '../model/sum-fields.ts'
import { bytesInMemory, pieceOfFiles, sizeOf, sliceBytes } from './slice-size.ts'

export interface ExchangeOf {
  /** Names the rows in messages. */
  readonly name: string
  /** The columns of both sides, where they are joined. */
  readonly columns?: SideColumns | undefined
  /** Makes a slice of each bucket, because the output keeps rows by key. */
  readonly isKept?: boolean | undefined
}

/** Returns the slices, and an input for each, which names it in messages. @throws ACCOUNT_MISMATCH when a slice lost rows */
export function exchangeSlices(
  outcomes: readonly Outcome[],
  { name, columns, isKept }: ExchangeOf,
): { readonly slices: readonly ExchangeSlice[]; readonly inputs: readonly InputObject[] } {
  const sides = outcomes.flatMap(({ exchange, side }) => (exchange ? [filesByBucket(exchange, side)] : []))
  const groups = groupBuckets(sides, isKept ? 0 : sliceBytes)
  const slices = groups.map((buckets, slice): ExchangeSlice => {
    const pieces = sides.flatMap(side => pieceOf(side, buckets) ?? [])
    return { kind: 'exchange', slice, input: slice, buckets, pieces, sides: columns, isKept, ...sizeOf(pieces) }
  })
  checkRows(outcomes, slices)
  const inputs = slices.map(({ bytes }) => ({ key: name, sizeBytes: bytes, etag: '', identity: '' }))
  return { slices, inputs }
}

type ExchangedFile = ExchangedRows['files'][number]

/** The files of a batch, with their offsets where they stand in one object. */
interface ExchangedFiles {
  readonly key: string
  readonly side: number | undefined
  readonly files: readonly (ExchangedFile & { readonly start: number })[]
  readonly buckets: number
}

function filesByBucket({ key, buckets, files }: ExchangedRows, side: number | undefined): ExchangedFiles {
  let start = 0
  const placed = files.map(file => {
    const at = { ...file, start }
    start += file.bytes
    return at
  })
  return { key, side, buckets, files: placed }
}

/** Groups neighbouring buckets up to the bytes of a slice. Buckets without files are in no group. */
function groupBuckets(sides: readonly ExchangedFiles[], bytesMax: number): ExchangeSlice['buckets'][] {
  const bytes = new Array<number>(Math.max(1, ...sides.map(side => side.buckets))).fill(0)
  for (const file of sides.flatMap(side => side.files))
    for (const [bucket, rows] of rowsByBucket(file))
      bytes[bucket] = (bytes[bucket] ?? 0) + (file.rows === 0 ? file.bytes : (file.bytes * rows) / file.rows)
  const groups: { start: number; end: number; bytes: number }[] = []
  for (const [bucket, size] of bytes.entries()) {
    if (size === 0) continue
    const last = groups.at(-1)
    const weight = size * bytesInMemory
    if (last && last.bytes + weight <= bytesMax) {
      last.end = bucket + 1
      last.bytes += weight
    } else groups.push({ start: bucket, end: bucket + 1, bytes: weight })
  }
  return groups.map(({ start, end }) => ({ start, end }))
}

/** Yields the buckets of which a file has rows, and how many; a file without rows carries the schema, in a bucket of its own. */
function rowsByBucket({
  bucket,
  rows,
  rowsByBucket: counts,
}: ExchangedFile): (readonly [bucket: number, rows: number])[] {
  return counts ? [...counts.entries()].filter(([, rows]) => rows > 0) : [[bucket, rows]]
}

function pieceOf(
  { key, side, files, buckets: of }: ExchangedFiles,
  buckets: ExchangeSlice['buckets'],
): ExchangePiece | undefined {
  const isNeeded = (bucket: number): boolean => bucket >= buckets.start && bucket < buckets.end
  const own = files.flatMap(file => {
    const needed = rowsByBucket(file).filter(([bucket]) => isNeeded(bucket))
    return needed.length === 0
      ? []
      : [{ ...file, rows: needed.reduce((sum, [, rows]) => sum + rows, 0), all: file.rows }]
  })
  // Only files that are not divided have rows of other buckets.
  const isPartial = own.some(({ rows, all }) => rows < all)
  return pieceOfFiles({ key, side, of: isPartial ? of : undefined }, own)
}

/** Every row that a stage wrote is in one slice of the next. */
function checkRows(outcomes: readonly Outcome[], slices: readonly ExchangeSlice[]): void {
  const { rowsWritten } = sumFields(outcomes, ['rowsWritten'])
  const { rows } = sumFields(slices, ['rows'])
  if (rows === rowsWritten) return
  const message = `expected ${rowsWritten} rows in the exchange, as its batches wrote, got ${rows}; rows may be lost, so nothing was committed`
  throw new PermanentError('ACCOUNT_MISMATCH', message, { rowsWritten, rows })
}
