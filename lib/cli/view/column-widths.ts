/** Computes the widths of a table's columns, so that it fits a terminal and texts wrap between words. */
import { greatest } from '../../model/greatest.ts'

/** Spaces between two columns; one space where the table would not fit otherwise. */
export const gapWidth = 2
/** Least width of a column of texts, even when its words are longer: the id of a run fits. */
const textWidthMin = 16

export interface ColumnsToFit {
  readonly titles: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Titles of columns that are never broken. */
  readonly numbers: readonly string[]
  /** Width of the terminal. */
  readonly columns: number
}

/**
 * Returns the width of each column without the gap behind it: what its texts need, or less where they can wrap. Long words are broken
 * last. Returns undefined when the table cannot fit.
 */
export function fitColumns({ titles, rows, numbers, columns }: ColumnsToFit) {
  const needs = titles.map((title, index) => {
    const isNumber = numbers.includes(title)
    const cells = rows.map(row => row[index] ?? '')
    const whole = greatest(cells, textWidth, textWidth(title))
    const words = greatest(cells, isNumber ? textWidth : longestWord, longestWord(title))
    return { whole, words, least: isNumber ? words : Math.min(words, textWidthMin) }
  })
  const wholes = needs.map(each => each.whole)
  const tries = [
    { limit: 'words', gap: gapWidth },
    { limit: 'words', gap: 1 },
    { limit: 'least', gap: gapWidth },
  ] as const
  for (const { limit, gap } of tries) {
    const room = columns - gap * (titles.length - 1)
    const least = needs.map(each => each[limit])
    const widths = shrink(wholes, least, room)
    if (sum(widths) <= room) return { widths, gap }
  }
  return undefined
}

/** Narrows the widest column first, down to the least width of each. */
function shrink(widths: readonly number[], least: readonly number[], room: number): number[] {
  const now = [...widths]
  for (let over = sum(now) - room; over > 0; over--) {
    let first = -1
    for (const [index, width] of now.entries())
      if (width > (least[index] ?? 0) && width > (now[first] ?? 0)) first = index
    if (first < 0) break
    now[first] = (now[first] ?? 0) - 1
  }
  return now
}

/** Returns the lines of a text that wraps between words, and within words that are longer than `width`. */
export function wrapWords(text: string, width: number): readonly string[] {
  if (textWidth(text) <= width) return [text]
  const lines: string[] = []
  for (const word of breakWords(text.trim(), width).split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`
    if (lines.length > 0 && textWidth(longer) <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/** Breaks words that are longer than `width` into lines of that width. */
function breakWords(text: string, width: number): string {
  return text.replaceAll(/\S+/g, word => {
    if (textWidth(word) <= width) return word
    const pieces = ['']
    for (const character of word) {
      const piece = pieces.at(-1) ?? ''
      if (textWidth(piece + character) > width) pieces.push(character)
      else pieces[pieces.length - 1] = piece + character
    }
    return pieces.join('\n')
  })
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/gu

/** Returns the number of terminal cells that a text takes; East Asian characters and emoji take two. */
export function textWidth(text: string): number {
  return [...text].length + (text.match(wide)?.length ?? 0)
}

const longestWord = (text: string): number => greatest(text.split(/\s+/), textWidth)

const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0)
