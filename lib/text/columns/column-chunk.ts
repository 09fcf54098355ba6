/** The values of one column that wait to be written. */
import { Buffer } from 'node:buffer'
import type { ParsedValues } from './kernel.ts'

const firstBytes = 8 * 1024

/** Grows to the most bytes that it had between two calls of `clear`. */
export class ColumnChunk {
  rows = 0
  /** Bytes of the values. */
  bytes = 0
  #values: Buffer = Buffer.allocUnsafeSlow(0)
  /** For each row 1, or 0 for null; without meaning while no row has null. */
  #present: Buffer = Buffer.allocUnsafeSlow(0)
  #hasNulls = false

  /** Adds the values of so many rows. */
  append({ values, present }: ParsedValues, rows: number): void {
    this.#values = withRoom(this.#values, this.bytes, values.length)
    this.#values.set(values, this.bytes)
    this.bytes += values.length
    if (present || this.#hasNulls) this.#appendPresent(present, rows)
    this.rows += rows
  }

  #appendPresent(present: Uint8Array | undefined, rows: number): void {
    const before = this.#hasNulls ? this.rows : 0
    this.#present = withRoom(this.#present, before, this.rows - before + rows)
    this.#present.fill(1, before, this.rows + rows)
    if (present) this.#present.set(present, this.rows)
    this.#hasNulls = true
  }

  get values(): Uint8Array {
    return this.#values.subarray(0, this.bytes)
  }

  get present(): Uint8Array | undefined {
    return this.#hasNulls ? this.#present.subarray(0, this.rows) : undefined
  }

  /** Forgets all but the first rows, which have so many bytes. */
  cutTo({ rows, bytes }: { readonly rows: number; readonly bytes: number }): void {
    this.rows = rows
    this.bytes = bytes
    if (rows === 0) this.#hasNulls = false
  }
}

/** Returns a buffer with the same first bytes and room for more. */
function withRoom(buffer: Buffer, used: number, added: number): Buffer {
  if (used + added <= buffer.length) return buffer
  const larger = Buffer.allocUnsafeSlow(Math.max(firstBytes, used + added, 2 * buffer.length))
  larger.set(buffer.subarray(0, used))
  return larger
}
