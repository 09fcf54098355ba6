/** The texts that cells of a workbook share, as one buffer: far smaller than as many strings. */
import { Buffer } from 'node:buffer'
import { invalidInput } from '../errors/invalid-input.ts'
import { readAllXml } from '../xml/xml-events.ts'
import { CellTextReader } from './cell-text-reader.ts'
import type { WorkbookParts } from './workbook-parts.ts'

const textBytesMax = 64 * 1024 * 1024
const countMax = 2 ** 24

export class SharedStrings {
  #bytes = Buffer.alloc(0)
  #ends = new Uint32Array(1024)
  #size = 0
  count = 0

  add(text: string): void {
    const needed = this.#size + Buffer.byteLength(text)
    if (needed > textBytesMax || this.count >= countMax) throw tooMany()
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(textBytesMax, Math.max(2 * needed, 64 * 1024)))
      this.#bytes.copy(grown, 0, 0, this.#size)
      this.#bytes = grown
    }
    this.#size += this.#bytes.write(text, this.#size)
    if (this.count === this.#ends.length) {
      const grown = new Uint32Array(2 * this.count)
      grown.set(this.#ends)
      this.#ends = grown
    }
    this.#ends[this.count++] = this.#size
  }

  /** Returns the text of an index; undefined where there is none. */
  get(index: number): string | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) return undefined
    const start = index === 0 ? 0 : this.#ends[index - 1]
    return this.#bytes.toString('utf8', start, this.#ends[index])
  }
}

/** Reads the shared texts. Memory: 64 MiB of text at most. @throws INPUT_INVALID */
export async function readSharedStrings(parts: WorkbookParts, part: string | undefined): Promise<SharedStrings> {
  const strings = new SharedStrings()
  if (part === undefined) return strings
  const item = new CellTextReader()
  const listener = {
    open: (name: string) => (name === 'si' ? item.begin() : item.open(name)),
    close: (name: string) => (name === 'si' ? strings.add(item.text) : item.close(name)),
    text: (text: string) => item.add(text),
  }
  await readAllXml(parts.stream(part), listener, part)
  return strings
}

const tooMany = () =>
  invalidInput(
    `at most ${textBytesMax} bytes and ${countMax} texts that cells share`,
    'more; save the sheet as CSV, or divide the workbook',
  )
