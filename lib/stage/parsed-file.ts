/** One file of rows that were parsed when they were staged, while texts are added to it. */
import { type PlainColumn, PlainFile } from '../parquet/plain-file.ts'
import { ColumnParser, type ParseOutcome } from '../text/columns/column-parser.ts'
import type { FieldKind } from '../text/columns/field-kind.ts'
import type { ParsePlan } from '../text/columns/field-windows.ts'
import type { FileWriter } from './file-writer.ts'
import type { StagedFile, StagedMember } from './staged-file.ts'

/** Bytes of values at which a row group is written. */
const rowGroupBytes = 4 * 1024 * 1024
/** Values may take so many times the bytes of their texts, and some more in a small file: a number of one digit takes four bytes or eight. */
const growthMax = 2
const growthAllowed = 1024 * 1024

export interface ParsedFileOptions extends ParsePlan {
  readonly writer: FileWriter
  /** Names of the header. */
  readonly header: readonly string[]
  /** Counts bytes of text that are added, and less than 0 when they are removed again. @throws DISK_FULL */
  count(bytes: number): void
}

/** Memory: a row group, and the values of what is added at once. */
export class ParsedFile {
  readonly fields: readonly (FieldKind | undefined)[]
  readonly header: readonly string[]
  readonly newline: 'lf' | 'crlf'
  readonly writer: FileWriter
  readonly members: StagedMember[] = []
  records = 0
  readonly #parser: ColumnParser
  readonly #file: PlainFile
  readonly #count: ParsedFileOptions['count']
  /** Bytes of the texts that were added. */
  #textBytes = 0
  /** Rows of the text that was begun, and whether it may be written before it ends. */
  #rows = 0
  #isLong = false

  constructor({ writer, header, count, ...plan }: ParsedFileOptions) {
    this.writer = writer
    this.header = header
    this.newline = plan.newline
    this.fields = plan.fields
    this.#parser = new ColumnParser(plan)
    this.#file = new PlainFile(this.#parser.columns.map(plainColumn), piece => writer.append(piece))
    this.#count = count
  }

  /**
   * Begins a text, and returns a function that removes all of it again and returns its bytes. A long one may be written before it ends,
   * for which the rows before it are written first.
   */
  begin(isLong: boolean): () => number {
    if (isLong || this.#parser.bytes > rowGroupBytes) this.#writeRows()
    this.#rows = 0
    this.#isLong = isLong
    const chunks = this.#parser.columns.map(({ chunk }) => ({ chunk, rows: chunk.rows, bytes: chunk.bytes }))
    const { rowGroupCount, bytes } = this.#file
    const textBytes = this.#textBytes
    return () => {
      const removed = this.#textBytes - textBytes
      this.#count(-removed)
      this.#textBytes = textBytes
      // Rows of before are still here only where none of the text were written.
      for (const { chunk, ...before } of chunks) chunk.cutTo(before)
      if (this.#file.rowGroupCount === rowGroupCount) return removed
      this.writer.cutTo(bytes)
      this.#file.cutTo({ rowGroupCount, bytes })
      return removed
    }
  }

  /**
   * Adds records of the text that was begun; it is `irregular` too where the values take much more room than the text. After an outcome
   * other than `parsed` the text must be removed.
   */
  add(records: Uint8Array, isLast = true): ParseOutcome {
    const outcome = this.#parser.parse(records, isLast)
    if (outcome.kind !== 'parsed') return outcome
    this.#rows += outcome.rows
    this.#textBytes += outcome.bytes
    this.#count(outcome.bytes)
    const bytes = this.#file.bytes + this.#parser.bytes
    if (bytes > growthMax * this.#textBytes + growthAllowed) return { kind: 'irregular' }
    if (this.#isLong && this.#parser.bytes > rowGroupBytes) this.#writeRows()
    return outcome
  }

  /** Whether the text that was begun has so many rows. */
  hasAdded(rows: number): boolean {
    return this.#rows === rows
  }

  /** Counts a text that was added. */
  end(member: Omit<StagedMember, 'start' | 'end'>): void {
    this.members.push({ ...member, start: 0, end: 0 })
    this.records += member.records
  }

  /** Writes all rows, and closes the file until the next text is added. */
  close(): void {
    this.#writeRows()
    for (const { chunk } of this.#parser.columns) chunk.release()
    this.writer.close()
  }

  /** Writes the end of the file, and describes it for the engine. */
  finish(): StagedFile {
    this.#writeRows()
    this.#file.finish()
    this.close()
    const { header: columns, newline, records, members, fields: parsed } = this
    const { file, bytes } = this.writer
    return { file, columns, newline, records, bytes, located: false, parsed, members }
  }

  #writeRows(): void {
    const { columns, rows } = this.#parser
    if (rows === 0) return
    this.#file.writeRows(
      rows,
      columns.map(({ chunk }) => chunk),
    )
    for (const { chunk } of columns) chunk.cutTo({ rows: 0, bytes: 0 })
  }
}

/** Returns the name of the column at a position of the records. */
export const parsedColumnName = (position: number): string => `c${position}`

const plainColumn = ({ position, kind }: { readonly position: number; readonly kind: FieldKind }): PlainColumn => ({
  name: parsedColumnName(position),
  type: kind.kind,
  precision: kind.precision,
  scale: kind.scale,
})
