/** The context of map functions of the user, and the errors by which they stop a query. */
import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api'
import { RejectError } from '../../define/steps/reject-error.ts'
import type { MemberPlace } from '../../model/member-place.ts'

/** Fills a vector with the results of a map function for the rows of a chunk. */
export type ChunkFunction = (chunk: DuckDBDataChunk, output: DuckDBVector) => void

/** Writes a value that has another shape than the type of the vector says. */
export const setItem = (output: DuckDBVector, row: number, value: unknown): void =>
  (output as unknown as { setItem(row: number, value: unknown): void }).setItem(row, value)

/** Stops a query that must be built again, because a function turned out to return something else than the query expects. */
export class ShapeChanged extends Error {}

/** Stops a query whose rows are of several members, when a function reads its row's member. */
export class NeedsMember extends Error {}

/** Stops a query whose rows have no place, when a function rejects one. */
export class RowRejected extends Error {}

/** Keeps the reject of one row of a chunk. @throws RowRejected where the chunk has no places */
export type RejectRow = (chunk: DuckDBDataChunk, row: number, reason: string) => void

/** The context that the user's functions get, and whether they read a member while there were several. */
export interface OwnContext {
  readonly context: unknown
  /** A function read the member while there were several: it got an empty text, and its query fails. */
  wasRefused: boolean
  /** While a `mapBatches` function runs: the rows that it rejects, by index. */
  batch?: { readonly rowCount: number; readonly reasons: Map<number, string> } | undefined
}

/** Copies the task's context and adds `reject`, `archive` and `member`; `originField` returns undefined while there are several members. */
export function ownContext(
  context: unknown,
  originField: (field: keyof MemberPlace) => string | undefined,
): OwnContext {
  const read = (field: keyof MemberPlace): string => {
    const value = originField(field)
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
