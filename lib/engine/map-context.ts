/** What map functions of the user run in: their context, and how they stop a query. */
import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api'

/** The member that a query's rows are of. */
export interface Origin {
  readonly archive: string
  readonly member: string
}

/** Fills a vector with what a map function makes of a chunk's rows. */
export type ChunkFunction = (chunk: DuckDBDataChunk, output: DuckDBVector) => void

/** Thrown through a query to have it built again with what was learned. */
export class Relearn extends Error {}

/** What the user's functions get. A function that asks for the member while there are several gets none, and its query fails. */
export interface OwnContext {
  readonly context: unknown
  wasRefused: boolean
}

/** A copy of the task's context with `archive` and `member`, which `ask` tells. */
export function ownContext(context: unknown, ask: (field: keyof Origin) => string | undefined): OwnContext {
  const read = (field: keyof Origin): string => {
    const value = ask(field)
    own.wasRefused ||= value === undefined
    return value ?? ''
  }
  const fields = {
    archive: { enumerable: true, get: () => read('archive') },
    member: { enumerable: true, get: () => read('member') },
  }
  const copied = Object.defineProperties({ ...(context as object) }, fields)
  const own = { context: Object.freeze(copied), wasRefused: false }
  return own
}
