/** The interface of a rewriting of text that comes in chunks. */
import { Buffer } from 'node:buffer'

/** Rewrites a text that comes in chunks, in order. */
export interface ChunkFilter {
  /** Returns what is read of the text so far: a view that is valid until the next call. The last call ends the text. */
  push(chunk: Uint8Array, isLast: boolean): Uint8Array
  /**
   * Pairs of numbers for the lines that the rewritten text does not have: an offset in it, and how many are missing right before
   * that; a negative number where lines were added. Absent where no line is dropped or added.
   */
  readonly gaps?: number[]
}

/** Joins what is kept of the chunk before with the next one. */
export const joinChunks = (kept: Uint8Array, chunk: Uint8Array): Uint8Array =>
  kept.length === 0 ? chunk : Buffer.concat([kept, chunk])

/** Returns the lines of all gaps together. */
export const linesOf = (gaps: readonly number[]): number =>
  gaps.reduce((sum, value, index) => (index % 2 === 1 ? sum + value : sum), 0)
