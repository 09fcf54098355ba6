/** Parses CSV to columns. Only what is written plainly is parsed: for the rest the engine's own reader decides what it means. */
import { type Dialect, isNewline, toBytes } from '../records/dialect.ts'
import { canJump } from '../records/jump.ts'
import { ColumnChunk } from './column-chunk.ts'
import type { FieldKind } from './field-kind.ts'
import { FieldWindows, type ParsePlan } from './field-windows.ts'
import { type FieldKernel, nullTextBytesMax, nullTextsMax } from './kernel.ts'

/**
 * Tells what became of a text. `irregular`: its records are not plain, are too long, or are not UTF-8. `misfits`: fields at these positions
 * are not written as their kinds say.
 */
export type ParseOutcome =
  | { readonly kind: 'parsed'; readonly rows: number; readonly bytes: number }
  | { readonly kind: 'irregular' }
  | { readonly kind: 'misfits'; readonly positions: readonly number[] }

/** With more columns, the engine reads their short chunks slower than CSV. */
const columnsMax = 256

/** Whether it is cheaper to parse fields of these kinds than to leave them to the engine, which casts parsed texts slower than those of CSV. */
export function isWorthwhile(fields: readonly (FieldKind | undefined)[]): boolean {
  const read = fields.filter(field => field !== undefined)
  const casts = read.filter(({ isCast }) => isCast).length
  return read.length > 0 && read.length <= columnsMax && 2 * casts <= read.length
}

/** Matches characters of numbers, dates and booleans. As a quote, such a character stands twice inside of quotes, and would be read twice. */
const inValues = /[\w.: -]/

/** Whether CSV of a dialect may be parsed. */
export function canParse(dialect: Dialect, nulls: readonly string[]): boolean {
  const { delimiter, quote } = toBytes(dialect)
  const [byte = 0] = delimiter
  const isSimple = canJump(dialect) && delimiter.length === 1 && !isNewline(byte) && !isNewline(quote) && byte !== quote
  const hasShortNulls = nulls.length <= nullTextsMax && nulls.every(text => Buffer.byteLength(text) <= nullTextBytesMax)
  return isSimple && hasShortNulls && byte !== 0 && !inValues.test(dialect.quote)
}

/** Parses texts with the same columns one after another. Memory: the values since they were last cleared. */
export class ColumnParser {
  /** The values of each column that is read, with its position in the records. */
  readonly columns: readonly { readonly position: number; readonly kind: FieldKind; readonly chunk: ColumnChunk }[]
  readonly #windows: FieldWindows

  constructor(plan: ParsePlan) {
    const columns = plan.fields.map((kind, position) => kind && { position, kind, chunk: new ColumnChunk() })
    this.columns = columns.filter(column => column !== undefined)
    this.#windows = new FieldWindows(plan)
  }

  /** Bytes of the values that wait. */
  get bytes(): number {
    return this.columns.reduce((sum, { chunk }) => sum + chunk.bytes, 0)
  }

  get rows(): number {
    return this.columns[0]?.chunk.rows ?? 0
  }

  /**
   * Parses the records of a text, or its whole records where it is not the last piece. After an outcome other than `parsed` the columns
   * have some of their values, and must be cut.
   */
  parse(text: Uint8Array, isLast = true): ParseOutcome {
    let rows = 0
    let positions: readonly number[] = []
    const bytes = this.#windows.each(text, isLast, kernel => {
      rows += kernel.rows
      positions = this.#take(kernel)
      return positions.length === 0
    })
    if (positions.length > 0) return { kind: 'misfits', positions }
    return bytes === undefined ? { kind: 'irregular' } : { kind: 'parsed', rows, bytes }
  }

  /** Adds the values of the records that were found. Returns the positions of columns that have others. */
  #take(kernel: FieldKernel): readonly number[] {
    const { rows } = kernel
    return this.columns.flatMap(({ position, kind, chunk }) => {
      const parsed = kernel.parse(position, kind)
      if (parsed) chunk.append(parsed, rows)
      return parsed ? [] : [position]
    })
  }
}
