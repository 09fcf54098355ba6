/** Cuts sorted runs of rows into slices, each of which is a range of the order, in their order. */
import type { Outcome } from '../model/outcome/outcome.ts'
import type { ExchangePiece, ExchangeSlice, InputObject, KeyRange } from '../model/plan-data.ts'
import { sumFields } from '../model/sum-fields.ts'
import { bytesInMemory, pieceOfFiles, sizeOf, sliceBytes } from './slice-size.ts'

/** A file of a sorted run. */
interface Chunk {
  readonly rows: number
  readonly bytes: number
  readonly name: string | undefined
  /** Its offset where the files of a batch stand in one object. */
  readonly start: number
  /** The beginning of its first key; its last key is at most the beginning of the next chunk, or an extension of it. */
  readonly from: string
  readonly to: string | undefined
}

interface SortedRun {
  readonly key: string
  readonly chunks: readonly Chunk[]
}

/**
 * Returns the slices, and an input for each, which names it in messages. The first keys of chunks are quantiles of the runs, so ranges
 * between some of them have about equally many rows. A slice reads chunks at its ends in part, as its neighbour does.
 */
export function sortedSlices(
  outcomes: readonly Outcome[],
  { name, bytesMax }: { readonly name: string; readonly bytesMax: number },
): { readonly slices: readonly ExchangeSlice[]; readonly inputs: readonly InputObject[] } {
  const runs = outcomes.flatMap(runsOf)
  const slices = rangesOf(runs, Math.min(sliceBytes, bytesMax)).map((keys, slice): ExchangeSlice => {
    const pieces = runs.flatMap(run => pieceOf(run, keys) ?? [])
    const numbers = { slice, input: slice, buckets: { start: slice, end: slice + 1 } }
    return { kind: 'exchange', ...numbers, keys, pieces, ...sizeOf(pieces) }
  })
  const inputs = slices.map(({ bytes }) => ({ key: name, sizeBytes: bytes, etag: '', identity: '' }))
  return { slices, inputs }
}

function runsOf({ exchange }: Outcome): SortedRun[] {
  if (!exchange) return []
  const { key, files } = exchange
  const runs: Chunk[][] = []
  let start = 0
  for (const [at, { rows, bytes, name, sorted = { from: '', isFirst: true } }] of files.entries()) {
    const next = files[at + 1]?.sorted
    if (sorted.isFirst) runs.push([])
    runs.at(-1)?.push({ rows, bytes, name, start, from: sorted.from, to: next?.isFirst ? undefined : next?.from })
    start += bytes
  }
  return runs.map(chunks => ({ key, chunks }))
}

/** Returns ranges of about equal bytes that follow one another and have all keys. */
function rangesOf(runs: readonly SortedRun[], rangeBytes: number): KeyRange[] {
  const chunks = runs.flatMap(run => run.chunks).toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  const all = sumFields(chunks, ['bytes']).bytes
  const count = Math.max(1, Math.ceil((all * bytesInMemory) / rangeBytes))
  const bounds: string[] = []
  let before = 0
  for (const { from, bytes } of chunks) {
    const isDue = before >= ((bounds.length + 1) * all) / count
    if (isDue && from > (bounds.at(-1) ?? chunks[0]?.from ?? '')) bounds.push(from)
    before += bytes
  }
  return [undefined, ...bounds].map((from, at) => ({ from, to: bounds[at] }))
}

/** Returns the chunks of a run that may have keys of a range: neighbours, which are one range of an object. */
function pieceOf({ key, chunks }: SortedRun, { from: least, to: end }: KeyRange): ExchangePiece | undefined {
  const own = chunks.filter(
    ({ from, to }) => (end === undefined || from < end) && (least === undefined || to === undefined || to >= least),
  )
  return pieceOfFiles({ key }, own)
}
