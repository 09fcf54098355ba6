/** Rewrites an XML document to JSON lines: an object for each record. */
import { Buffer } from 'node:buffer'
import type { XmlFormat } from '../define/definition.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import { ElementJson } from './element-json.ts'
import { readXml, type XmlElement, type XmlListener } from './xml-events.ts'

export interface RecordLinesOptions {
  readonly format: Pick<XmlFormat, 'record' | 'lists'>
  /** Takes the places where the line in the document is not that of the text, as `ChunkFilter` describes. */
  readonly gaps: number[]
}

/**
 * Yields the lines. Memory: a piece of the document, and a record of at most 32 million characters.
 * @throws INPUT_INVALID for what is not well formed, or lacks the elements around the records
 */
export async function* recordLines(
  source: AsyncIterable<Uint8Array>,
  { format, gaps }: RecordLinesOptions,
): AsyncGenerator<Uint8Array> {
  const reader = new RecordReader(format, gaps)
  for await (const _piece of readXml(source, reader, 'the document')) yield reader.take()
  yield reader.take()
  reader.checkFound()
}

class RecordReader implements XmlListener {
  readonly #record: string
  readonly #steps: readonly string[]
  readonly #gaps: number[]
  readonly #json: ElementJson
  /** Elements that are open, and how many of them are on the path to the records. */
  #depth = 0
  #matched = 0
  #deepest = 0
  #line = 0
  #nextLine = 1
  #written = 0
  #lines: string[] = []

  constructor({ record, lists = [] }: RecordLinesOptions['format'], gaps: number[]) {
    this.#record = record
    this.#steps = record.split('/')
    this.#gaps = gaps
    this.#json = new ElementJson(lists)
  }

  open(name: string, _attribute: unknown, { line, attributes }: XmlElement): void {
    if (this.#matched === this.#depth && name === this.#steps[this.#depth]) this.#matched++
    this.#depth++
    this.#deepest = Math.max(this.#deepest, this.#matched)
    if (this.#matched < this.#steps.length) return
    if (this.#json.depth === 0) this.#line = line
    this.#json.begin(name, attributes())
  }

  text(text: string): void {
    this.#json.add(text)
  }

  close(name: string): void {
    if (this.#json.depth > 0) this.#write(this.#json.end(name))
    this.#depth--
    this.#matched = Math.min(this.#matched, this.#depth)
  }

  take(): Uint8Array {
    const bytes = Buffer.from(this.#lines.join(''))
    this.#lines = []
    return bytes
  }

  /** Checks that the elements around the records are there; there may be no records in them. @throws INPUT_INVALID */
  checkFound(): void {
    const wanted = Math.max(1, this.#steps.length - 1)
    if (this.#deepest >= wanted) return
    const around = this.#steps.slice(0, wanted).join('/')
    throw invalidInput(`the element ${around} in the document`, 'a document without it; correct record in xml()', {
      record: this.#record,
    })
  }

  #write(record: string | undefined): void {
    if (record === undefined) return
    if (this.#line !== this.#nextLine) this.#gaps.push(this.#written, this.#line - this.#nextLine)
    this.#nextLine = this.#line + 1
    this.#written += Buffer.byteLength(record) + 1
    this.#lines.push(`${record}\n`)
  }
}
