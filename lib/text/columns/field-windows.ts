/** Finds the fields of CSV a window at a time: windows stay in the processor's cache. */
import { type Dialect, toBytes } from '../records/dialect.ts'
import type { FieldKind } from './field-kind.ts'
import { type FieldKernel, type FieldLayout, fieldKernel, windowBytesMax } from './kernel.ts'

/** How a file of CSV is parsed. */
export interface ParsePlan {
  readonly dialect: Dialect
  readonly newline: 'lf' | 'crlf'
  /** Texts that are null where they stand without quotes. */
  readonly nulls: readonly string[]
  /** The kind of each field of a record; undefined for one that is not read. */
  readonly fields: readonly (FieldKind | undefined)[]
}

export class FieldWindows {
  readonly #layout: FieldLayout
  readonly #nulls: readonly string[]
  readonly #kernel: FieldKernel | undefined

  constructor({ dialect, newline, nulls, fields }: ParsePlan) {
    const { delimiter, quote } = toBytes(dialect)
    this.#layout = { columnCount: fields.length, quote, delimiter: delimiter[0] ?? 0, isCrlf: newline === 'crlf' }
    this.#nulls = nulls
    this.#kernel = fieldKernel()
  }

  /**
   * Calls `take` when the fields of a window were found, until it returns false: for all records of a text, or its whole records where it is
   * not the last piece. Returns the bytes of these records; undefined where they are not plain, too long or not UTF-8.
   */
  each(text: Uint8Array, isLast: boolean, take: (kernel: FieldKernel) => boolean): number | undefined {
    const kernel = this.#kernel
    if (!kernel) return undefined
    kernel.setNulls(this.#nulls)
    let at = 0
    while (at < text.length) {
      const end = Math.min(text.length, at + windowBytesMax)
      const isEnd = end === text.length
      const found = kernel.find(text.subarray(at, end), isLast && isEnd, this.#layout)
      if (found === 0 && isEnd && !isLast) break
      if (found <= 0) return undefined
      at += found
      if (!take(kernel)) break
    }
    return at
  }
}
