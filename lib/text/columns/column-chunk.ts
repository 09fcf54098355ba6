/** The values of one column that wait to be written. */
import { Buffer } from 'node:buffer'
import type { ParsedValues } from './kernel.ts'

const firstBytes = 8 * 1024
const nothing: Buffer = Buffer.alloc(0)

/** Memory: as much as its values had at most since they were released. */
export class ColumnChunk {
  rows = 0
  /** Bytes of the values. */
  bytes = 0
  #values = nothing
  /** For each row 1, or 0 for null; without meaning while no row has null. */
  #present = nothing
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

  /** Forgets all rows, and gives the memory back. */
  release(): void {
    this.cutTo({ rows: 0, bytes: 0 })
    this.#values = nothing
    this.#present = nothing
  }
}

/** Returns a buffer with the same first bytes and room for more. */
function withRoom(buffer: Buffer, used: number, added: number): Buffer {
  if (used + added <= buffer.length) return buffer
  const larger = Buffer.allocUnsafeSlow(Math.max(firstBytes, used + added, 2 * buffer.length))
  larger.set(buffer.subarray(0, used))
  return larger
}
