/** Reads the rows of a sheet out of its XML. */
import { errorMark } from '../define/formats/workbook-format.ts'
import { invalidInput } from '../errors/invalid-input.ts'
import type { XmlListener } from '../xml/xml-events.ts'
import { CellTextReader, joined, unescaped } from './cell-text-reader.ts'
import type { NumberKind } from './number-formats.ts'
import { dateText, durationText, numberText, plainNumber } from './serial-date.ts'
import type { SharedStrings } from './shared-strings.ts'

/** Texts and formats that cells refer to. */
export interface SheetContext {
  readonly strings: SharedStrings
  readonly numberKinds: readonly NumberKind[]
  readonly is1904: boolean
  /** Takes a row with its number: the texts of its cells up to the last that is not empty. Rows without cells are left out. */
  onRow(row: number, texts: readonly string[]): void
}

const rowsMax = 1_048_576
const columnsMax = 16_384
/** Characters of the longest row. */
const rowCharactersMax = 16 * 1024 * 1024

export class SheetReader implements XmlListener {
  readonly #context: SheetContext
  readonly #inline = new CellTextReader()
  /** Whether the document is a sheet of cells. */
  isSheet = false
  #row = 0
  #column = 0
  #texts: string[] = []
  #characters = 0
  #type = ''
  #style = -1
  #value = ''
  #inside: 'row' | 'cell' | 'value' | 'inline' | undefined

  constructor(context: SheetContext) {
    this.#context = context
  }

  open(name: string, attribute: (name: string) => string | undefined): void {
    if (this.#inside === 'inline') this.#inline.open(name)
    else if (name === 'worksheet') this.isSheet = true
    else if (name === 'row') this.#beginRow(attribute('r'))
    else if (name === 'c' && this.#inside === 'row') this.#beginCell(attribute)
    else if (name === 'v' && this.#inside === 'cell') this.#inside = 'value'
    else if (name === 'is' && this.#inside === 'cell') {
      this.#inside = 'inline'
      this.#inline.begin()
    }
  }

  close(name: string): void {
    if (name === 'is' || name === 'v') this.#inside = this.#inside && 'cell'
    else if (this.#inside === 'inline') this.#inline.close(name)
    else if (name === 'c' && this.#inside === 'cell') this.#endCell()
    else if (name === 'row' && this.#inside === 'row') this.#endRow()
  }

  text(text: string): void {
    if (this.#inside === 'value') this.#value = joined(this.#value, text)
    else if (this.#inside === 'inline') this.#inline.add(text)
  }

  #beginRow(written: string | undefined): void {
    const row = written === undefined ? this.#row + 1 : plainNumber(written)
    if (!Number.isInteger(row) || row <= this.#row || row > rowsMax)
      throw invalidInput(`the number of a row after ${this.#row}, at most ${rowsMax}`, JSON.stringify(written ?? row))
    this.#row = row
    this.#column = 0
    this.#texts = []
    this.#characters = 0
    this.#inside = 'row'
  }

  #beginCell(attribute: (name: string) => string | undefined): void {
    const place = attribute('r')
    const column = place === undefined ? this.#column + 1 : columnOf(place)
    if (column <= this.#column || column > columnsMax)
      throw invalidInput(`a cell after column ${this.#column} in row ${this.#row}`, JSON.stringify(place ?? column))
    this.#column = column
    this.#type = attribute('t') ?? 'n'
    this.#style = plainNumber(attribute('s') ?? '0')
    this.#value = ''
    this.#inline.begin()
    this.#inside = 'cell'
  }

  #endCell(): void {
    this.#inside = 'row'
    const text = this.#cellText()
    if (text === '') return
    this.#characters += text.length
    if (this.#characters > rowCharactersMax)
      throw invalidInput(`at most ${rowCharactersMax} characters in row ${this.#row}`, 'more')
    while (this.#texts.length < this.#column - 1) this.#texts.push('')
    this.#texts.push(text)
  }

  #endRow(): void {
    this.#inside = undefined
    if (this.#texts.length > 0) this.#context.onRow(this.#row, this.#texts)
  }

  #cellText(): string {
    const value = this.#value
    switch (this.#type) {
      case 's':
        return value === '' ? '' : this.#shared(value)
      case 'inlineStr':
        return this.#inline.text
      case 'str':
        return unescaped(value)
      case 'b':
        return value === '1' ? 'true' : value === '0' ? 'false' : value
      case 'e':
        return errorMark + value
      case 'd':
        return value.replace(/(T00:00:00(\.0+)?)?Z?$/, '').replace('T', ' ')
      default:
        return this.#number(value)
    }
  }

  #shared(value: string): string {
    const text = this.#context.strings.get(plainNumber(value))
    if (text !== undefined) return text
    const expected = `the index of one of ${this.#context.strings.count} shared texts`
    throw invalidInput(`${expected} in row ${this.#row}, column ${this.#column}`, JSON.stringify(value))
  }

  #number(written: string): string {
    if (written === '') return ''
    const { numberKinds, is1904 } = this.#context
    const kind = numberKinds[this.#style]
    const special =
      kind === 'date'
        ? dateText(plainNumber(written), is1904)
        : kind === 'duration'
          ? durationText(plainNumber(written))
          : undefined
    return special ?? numberText(written)
  }
}

/** Returns the number of a column by the letters of a place such as `AB12`; 0 where there are none. */
function columnOf(place: string): number {
  let column = 0
  for (let at = 0; at < place.length && at < 4; at++) {
    const letter = place.charCodeAt(at) & 0xdf
    if (letter < 65 || letter > 90) break
    column = column * 26 + letter - 64
  }
  return column
}
