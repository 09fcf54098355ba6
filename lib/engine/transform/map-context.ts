/** What map functions of the user run in: their context, and how they stop a query. */
import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api'
import { RejectError } from '../../define/reject-error.ts'

/** The member that a query's rows are of. */
export interface Origin {
  readonly archive: string
  readonly member: string
}

/** Fills a vector with what a map function makes of a chunk's rows. */
export type ChunkFunction = (chunk: DuckDBDataChunk, output: DuckDBVector) => void

/** Thrown through a query to have it built again with what was learned. */
export class Relearn extends Error {}

/** Thrown when a function asks for its row's member, and the rows are of several. */
export class NeedsMember extends Error {}

/** Thrown through a query whose rows have no place, when a function rejects one. */
export class RowRejected extends Error {}

/** Keeps the reject of one row of a chunk. @throws RowRejected where the chunk has no places */
export type RejectRow = (chunk: DuckDBDataChunk, row: number, reason: string) => void

/** What the user's functions get. A function that asks for the member while there are several gets none, and its query fails. */
export interface OwnContext {
  readonly context: unknown
  wasRefused: boolean
  /** While a `mapBatches` function runs: the rows that it rejects, by index. */
  batch?: { readonly rowCount: number; readonly reasons: Map<number, string> } | undefined
}

/** A copy of the task's context with `reject`, and with `archive` and `member`, which `ask` tells. */
export function ownContext(context: unknown, ask: (field: keyof Origin) => string | undefined): OwnContext {
  const read = (field: keyof Origin): string => {
    const value = ask(field)
    own.wasRefused ||= value === undefined
    return value ?? ''
  }
  const reject = (reason: string, options?: { readonly row: number }): void => {
    const error = new RejectError(reason)
    if (options?.row === undefined) throw error
    rejectBatchRow(own, options.row, reason)
  }
  const fields = {
    archive: { enumerable: true, get: () => read('archive') },
    member: { enumerable: true, get: () => read('member') },
    reject: { enumerable: true, value: reject },
  }
  const copied = Object.defineProperties({ ...(context as object) }, fields)
  const own: OwnContext = { context: Object.freeze(copied), wasRefused: false }
  return own
}

/** @throws TypeError outside of mapBatches, or for a row that the batch does not have */
function rejectBatchRow({ batch }: OwnContext, row: number, reason: string): void {
  if (!batch) throw new TypeError('context.reject: expected only a reason, as mapRows has one row, got a row as well')
  if (!Number.isInteger(row) || row < 0 || row >= batch.rowCount)
    throw new TypeError(`context.reject: expected a row from 0 to ${batch.rowCount - 1}, got ${row}`)
  if (!batch.reasons.has(row)) batch.reasons.set(row, reason)
}
