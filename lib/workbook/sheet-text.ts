/** Rewrites the sheet of an Excel workbook to text: a record for each row, with commas and quotes. */
import { Buffer } from 'node:buffer'
import type { WorkbookFormat } from '../define/definition.ts'
import { errorMark } from '../define/formats/workbook-format.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import { readXml } from '../xml/xml-events.ts'
import { chooseSheet } from './choose-sheet.ts'
import { readNumberKinds } from './number-formats.ts'
import { readSharedStrings } from './shared-strings.ts'
import { SheetReader } from './sheet-reader.ts'
import { WorkbookParts } from './workbook-parts.ts'

export interface SheetTextOptions {
  readonly format: Pick<WorkbookFormat, 'sheet' | 'headerRow'>
  /** Takes the places where the number of the row is not that of the line, as `ChunkFilter` describes. */
  readonly gaps: number[]
  /** The reading of cells with an error such as #N/A: texts that begin with `errorMark`, the end of the reading, or empty. Default `mark`. */
  readonly errors?: 'mark' | 'refuse' | 'empty'
}

/**
 * Yields the text. Memory: the workbook as it is compressed, at most 128 MiB, its shared texts, and a row.
 * @throws INPUT_INVALID for what is no workbook, is damaged, or has no such sheet or header
 */
export async function* rewriteSheet(
  source: AsyncIterable<Uint8Array>,
  options: SheetTextOptions,
): AsyncGenerator<Uint8Array> {
  const parts = await WorkbookParts.open(await wholeBytes(source))
  const sheet = await chooseSheet(parts, options.format)
  const writer = new RecordWriter(options)
  const reader = new SheetReader({
    strings: await readSharedStrings(parts, sheet.sharedStrings),
    numberKinds: await readNumberKinds(parts, sheet.styles),
    is1904: sheet.is1904,
    onRow: (row, texts) => writer.add(row, texts),
  })
  for await (const _piece of readXml(parts.stream(sheet.part), reader, sheet.part))
    if (writer.characters >= pieceCharacters) yield writer.take()
  if (!reader.isSheet) throw invalidInput(`${sheet.part} to be a sheet of cells`, 'another document')
  yield writer.take()
}

const pieceCharacters = 256 * 1024
const workbookBytesMax = 128 * 1024 * 1024

async function wholeBytes(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of source) {
    sizeBytes += chunk.length
    if (sizeBytes > workbookBytesMax)
      throw invalidInput(`a workbook of at most ${workbookBytesMax} bytes`, 'more; save its sheet as CSV, or divide it')
    // A source may use its memory again.
    chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

/** Writes rows as records, and notes their numbers. */
class RecordWriter {
  readonly #options: SheetTextOptions
  #records: string[] = []
  #hasHeader: boolean
  /** Fields of the header; 0 without one. */
  #width = 0
  #written = 0
  #nextLine = 1
  characters = 0

  constructor(options: SheetTextOptions) {
    this.#options = options
    this.#hasHeader = options.format.headerRow === false
  }

  add(row: number, texts: readonly string[]): void {
    if (this.#hasHeader || this.#beginsAt(row)) this.#write(row, this.#hasHeader ? texts : texts.map(withoutMark))
  }

  take(): Uint8Array {
    const bytes = Buffer.from(this.#records.join(''))
    this.#records = []
    this.characters = 0
    return bytes
  }

  /** Returns whether the row is the header. @throws INPUT_INVALID when the header's row has no cells */
  #beginsAt(row: number): boolean {
    const { headerRow } = this.#options.format
    if (headerRow === false || row < headerRow) return false
    if (row > headerRow)
      throw invalidInput(
        `the names of columns in row ${headerRow}`,
        `an empty row, and the next cells in row ${row}; set headerRow in xlsx()`,
        { headerRow, row },
      )
    return true
  }

  #write(row: number, texts: readonly string[]): void {
    if (!this.#hasHeader) this.#width = texts.length
    const missing = ','.repeat(Math.max(0, this.#width - texts.length))
    const record = `${this.#checked(row, texts).map(field).join(',')}${missing}\n`
    if (row !== this.#nextLine) this.#options.gaps.push(this.#written, row - this.#nextLine)
    // As in any text whose records end with a line feed, a carriage return alone begins no line.
    this.#nextLine = row + (record.match(/\n/g)?.length ?? 1)
    this.#written += Buffer.byteLength(record)
    this.#records.push(record)
    this.characters += record.length
    this.#hasHeader = true
  }

  /** Treats cells with an error. @throws INPUT_INVALID */
  #checked(row: number, texts: readonly string[]): readonly string[] {
    const { errors = 'mark' } = this.#options
    if (errors === 'mark') return texts
    if (errors === 'empty') return texts.map(text => (text.startsWith(errorMark) ? '' : text))
    const column = texts.findIndex(text => text.startsWith(errorMark))
    if (column < 0) return texts
    throw invalidInput(`a value in row ${row}, column ${column + 1}`, withoutMark(texts[column] as string))
  }
}

const withoutMark = (text: string): string => (text.startsWith(errorMark) ? text.slice(errorMark.length) : text)

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
