/** Rewrites an Avro file to text: a header of the fields' names, and a record for each record. */
import { Buffer } from 'node:buffer'
import { avroNull } from '../define/formats/avro-format.ts'
import { PermanentError, prefixError } from '../errors/errors.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import { ChunkBytes } from '../inflate/chunk-bytes.ts'
import type { BlockBytes } from './block-bytes.ts'
import { type AvroBlock, readAvroBlocks, readAvroHeader } from './container.ts'
import { type ValueReader, valueReader } from './value-text.ts'

/**
 * Yields the text. A record has its number as its line. Memory: a block and its text.
 * @throws INPUT_INVALID for what is no Avro file, is damaged or cut short
 */
export async function* rewriteAvro(
  source: AsyncIterable<Uint8Array>,
  { gaps }: { readonly gaps: number[] },
): AsyncGenerator<Uint8Array> {
  const file = new ChunkBytes(source)
  try {
    const header = await readAvroHeader(file)
    const { fields } = header.schema
    const writer = new RecordWriter(
      fields.map(({ type }) => valueReader(type)),
      gaps,
    )
    yield writer.header(fields.map(({ name }) => name))
    for await (const block of readAvroBlocks(file, header)) yield* writer.blockTexts(block)
  } finally {
    await file.close()
  }
}

/** Characters of text that are gathered before they are passed on. */
const pieceCharacters = 256 * 1024

class RecordWriter {
  readonly #readers: readonly ValueReader[]
  readonly #gaps: number[]
  #written = 0
  #records = 0
  /** Lines that the text has had since the last record, besides one for it. */
  #lines = 0

  constructor(readers: readonly ValueReader[], gaps: number[]) {
    this.#readers = readers
    this.#gaps = gaps
  }

  header(names: readonly string[]): Uint8Array {
    const bytes = Buffer.from(`${names.map(field).join(',')}\n`)
    this.#written = bytes.length
    // The first record is the second line of the text.
    this.#lines = 1
    return bytes
  }

  *blockTexts({ records, bytes }: AvroBlock): Generator<Uint8Array> {
    let text = ''
    for (let index = 0; index < records; index++) {
      text += this.#record(bytes)
      if (text.length < pieceCharacters) continue
      yield Buffer.from(text)
      text = ''
    }
    yield Buffer.from(text)
    if (bytes.left > 0)
      throw invalidInput(`${records} records in a block`, `${bytes.left} more bytes; the file is damaged`)
  }

  #record(bytes: BlockBytes): string {
    this.#records++
    const record = `${this.#readers.map(reader => field(this.#textOf(reader, bytes))).join(',')}\n`
    if (this.#lines > 0) this.#gaps.push(this.#written, -this.#lines)
    // As in any text whose records end with a line feed, a carriage return alone begins no line.
    this.#lines = (record.match(/\n/g)?.length ?? 1) - 1
    this.#written += Buffer.byteLength(record)
    return record
  }

  /** @throws INPUT_INVALID with the number of the record */
  #textOf(reader: ValueReader, bytes: BlockBytes): string | undefined {
    try {
      return reader.text(bytes)
    } catch (error) {
      throw error instanceof PermanentError ? prefixError(error, `record ${this.#records}`, {}) : error
    }
  }
}

/** Quotes empty texts too: a line without any character is no record. */
function field(text: string | undefined): string {
  if (text === undefined) return avroNull
  const isQuoted = text === '' || text.includes(avroNull) || /[",\r\n]/.test(text)
  return isQuoted ? `"${text.replaceAll('"', '""')}"` : text
}
