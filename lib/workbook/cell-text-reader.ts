/** Reads the text of a cell out of its elements: plain, or of several runs with formats of their own. */
import { invalidInput } from '../errors/invalid-input.ts'

/** Characters of the longest text that Excel has in a cell, and of its longest spelling with escapes. */
const charactersMax = 32_767
const spelledMax = 7 * charactersMax

/** Takes the elements inside of `si` or `is`. Phonetic texts (`rPh`) are left out, as Excel shows them above the cell. */
export class CellTextReader {
  #written = ''
  #isText = false
  #phonetic = 0

  begin(): void {
    this.#written = ''
    this.#isText = false
    this.#phonetic = 0
  }

  open(name: string): void {
    if (name === 'rPh') this.#phonetic++
    this.#isText = name === 't' && this.#phonetic === 0
  }

  close(name: string): void {
    if (name === 'rPh') this.#phonetic--
    this.#isText = false
  }

  add(text: string): void {
    if (this.#isText) this.#written = joined(this.#written, text)
  }

  get text(): string {
    return unescaped(this.#written)
  }
}

/** Adds a piece to the text of a cell. @throws INPUT_INVALID for a text longer than a cell's */
export function joined(text: string, piece: string): string {
  if (text.length + piece.length > spelledMax) throw tooLong()
  return text === '' ? piece : text + piece
}

/** Returns a text without the escapes that Excel writes for characters that XML does not have, such as `_x000D_`. */
export function unescaped(text: string): string {
  const plain = text.includes('_x')
    ? text.replace(/_x([0-9a-f]{4})_/gi, (found, hex) => characterOf(hex) ?? found)
    : text
  if (plain.length > charactersMax) throw tooLong()
  return plain
}

/** Returns the character; undefined for control characters other than tabs and ends of lines, which stay as they are written. */
function characterOf(hex: string): string | undefined {
  const code = Number.parseInt(hex, 16)
  return code >= 32 || code === 9 || code === 10 || code === 13 ? String.fromCharCode(code) : undefined
}

const tooLong = () =>
  invalidInput(`texts of at most ${charactersMax} characters in cells, as Excel has`, 'a longer one')
