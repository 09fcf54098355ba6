/** Finds and parses the fields of a window of CSV, with the processor's wide instructions. */
import { Buffer, isUtf8 } from 'node:buffer'
import { kernelBase64 } from '../../kernel/fields-wasm.ts'
import { type KernelMemory, kernelLoader } from '../../kernel/load-kernel.ts'
import { type FieldKind, kindCodes } from './field-kind.ts'

/** Limits of fields.c: the bytes of a window, of which two are left for a last newline, and the texts that are null. */
export const windowBytesMax = 128 * 1024 - 2
export const nullTextsMax = 8
export const nullTextBytesMax = 31

/** How records are cut into fields. */
export interface FieldLayout {
  readonly columnCount: number
  /** A byte; -1 for none. */
  readonly quote: number
  readonly delimiter: number
  readonly isCrlf: boolean
}

/** The values of a column in a window; valid until the next call. */
export interface ParsedValues {
  /** Values that are not null, in Parquet's plain encoding; a boolean is a byte. */
  readonly values: Uint8Array
  /** For each row 1, or 0 for null; undefined where no row has null. */
  readonly present: Uint8Array | undefined
}

interface Exports {
  readonly memory: KernelMemory
  text_at(): number
  values_at(): number
  present_at(): number
  rows_found(): number
  nulls_found(): number
  has_wide(): number
  clear_nulls(): void
  add_null(length: number): void
  find_fields(length: number, columns: number, quote: number, delimiter: number, isCrlf: number): number
  parse_column(index: number, kind: number, isRequired: number, least: bigint, most: bigint, scale: number): number
}

export type FieldKernel = NonNullable<ReturnType<typeof fieldKernel>>

/** Returns the thread's kernel; undefined where there is no WebAssembly with SIMD. */
export const fieldKernel = kernelLoader(kernelBase64, (exports: Exports) => {
  const memory = new Uint8Array(exports.memory.buffer)
  const [textAt, valuesAt, presentAt] = [exports.text_at(), exports.values_at(), exports.present_at()]
  let nullsSet: readonly string[] | undefined
  return {
    /** Sets the texts that are null where they stand without quotes. */
    setNulls(nulls: readonly string[]): void {
      if (nulls === nullsSet) return
      exports.clear_nulls()
      for (const text of nulls) {
        const bytes = Buffer.from(text)
        memory.set(bytes, textAt)
        exports.add_null(bytes.length)
      }
      nullsSet = nulls
    },
    /**
     * Finds the fields of the whole records in a window of at most `windowBytesMax` bytes; `isLast` says that its last record may end without a
     * newline. Returns the bytes of these records: 0 where there is none, -1 where one is not plain, or not UTF-8.
     */
    find(window: Uint8Array, isLast: boolean, { columnCount, quote, delimiter, isCrlf }: FieldLayout): number {
      memory.set(window, textAt)
      let length = window.length
      if (isLast && memory[textAt + length - 1] !== 10) {
        if (isCrlf) memory[textAt + length++] = 13
        memory[textAt + length++] = 10
      }
      const end = exports.find_fields(length, columnCount, quote, delimiter, isCrlf ? 1 : 0)
      if (end <= 0 || exports.has_wide() === 0) return Math.min(end, window.length)
      return isUtf8(window.subarray(0, end)) ? Math.min(end, window.length) : -1
    },
    get rows(): number {
      return exports.rows_found()
    },
    /** Parses a column of the records that were found. Returns undefined where a field is not written plainly. */
    parse(
      index: number,
      { kind, isRequired, least, most, precision = 0, scale = 0 }: FieldKind,
    ): ParsedValues | undefined {
      const limit = most ?? 10n ** BigInt(precision) - 1n
      const bytes = exports.parse_column(index, kindCodes[kind], isRequired ? 1 : 0, least ?? -limit, limit, scale)
      if (bytes < 0) return undefined
      return {
        values: memory.subarray(valuesAt, valuesAt + bytes),
        present: exports.nulls_found() > 0 ? memory.subarray(presentAt, presentAt + exports.rows_found()) : undefined,
      }
    },
  }
})
