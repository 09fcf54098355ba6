/** Draws plain text tables: one line for each row when a program reads them, wrapped between words on a terminal. */

import { print, visible } from '../output.ts'
import { paint, paintStatus } from './colours.ts'
import { fitColumns, gapWidth, textWidth, wrapWords } from './column-widths.ts'

/** Stream to which a table is written. */
export type TableStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

export interface TableOptions {
  /** Titles of the columns that hold numbers; they are aligned to the right. */
  readonly numbers?: readonly string[]
  /** Default stdout. */
  readonly stream?: TableStream
}

/**
 * Draws a table of `rows` below `titles`, with control characters as escapes. On a terminal it fits the width: texts wrap between words,
 * and where that is not enough each row becomes a list of its values. Elsewhere each row is one line.
 */
export function drawTable(
  titles: readonly string[],
  rows: readonly (readonly unknown[])[],
  { numbers = [], stream = process.stdout }: TableOptions = {},
): string {
  const texts = rows.map(row => row.map(cellText))
  const columns = stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY
  const fitted = fitColumns({ titles, rows: texts, numbers, columns })
  if (!fitted) return drawLists(titles, texts, stream)
  const { widths, gap } = fitted
  const drawCell = (text: string, index: number): string => {
    const spaces = ' '.repeat(Math.max(0, (widths[index] ?? 0) - textWidth(text)))
    const title = titles[index] ?? ''
    if (numbers.includes(title)) return spaces + text
    return (title === 'status' ? paintStatus(text, stream) : text) + spaces
  }
  const drawRow = (row: readonly string[]): readonly string[] => {
    const cells = titles.map((_, index) => wrapWords(row[index] ?? '', widths[index] ?? 0))
    const height = Math.max(...cells.map(lines => lines.length))
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((lines, index) => drawCell(lines[line] ?? '', index))
        .join(' '.repeat(gap))
        .trimEnd(),
    )
  }
  return [titles, ...texts].flatMap(drawRow).join('\n')
}

/** Draws each row as lines of a title and its value, with an empty line between rows. */
function drawLists(titles: readonly string[], rows: readonly (readonly string[])[], stream: TableStream): string {
  const width = Math.max(...titles.map(textWidth))
  const line = (title: string, value: string): string =>
    `${paint('dim', title.padEnd(width), stream)}${' '.repeat(gapWidth)}${title === 'status' ? paintStatus(value, stream) : value}`
  const list = (row: readonly string[]): string =>
    titles.flatMap((title, index) => (row[index] ? [line(title, row[index])] : [])).join('\n')
  return rows.map(list).join('\n\n')
}

/** Prints a table, or `otherwise` when there are no rows. */
export function printTable(
  titles: readonly string[],
  rows: readonly (readonly unknown[])[],
  { otherwise = 'none', ...options }: TableOptions & { readonly otherwise?: string } = {},
): void {
  print(rows.length === 0 ? otherwise : drawTable(titles, rows, options))
}

function cellText(value: unknown): string {
  return value === undefined || value === null ? '' : visible(String(value))
}
