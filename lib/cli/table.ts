/** Draws plain text tables: one line for each row when a program reads them, wrapped between words on a terminal. */
import { paint, paintStatus } from './colours.ts'
import { breakWords, fitColumns, gapWidth, textWidth } from './column-widths.ts'
import { print, visible } from './output.ts'

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
export async function drawTable(
  titles: readonly string[],
  rows: readonly (readonly unknown[])[],
  { numbers = [], stream = process.stdout }: TableOptions = {},
): Promise<string> {
  const texts = rows.map(row => row.map(cellText))
  const columns = stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY
  const fitted = fitColumns({ titles, rows: texts, numbers, columns })
  if (!fitted) return drawLists(titles, texts, stream)
  const { widths, gap } = fitted
  const { default: Table } = await import('cli-table3')
  const isWrapped = Number.isFinite(columns)
  const table = new Table({
    head: [...titles],
    colAligns: titles.map(title => (numbers.includes(title) ? 'right' : 'left')),
    chars: lightLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    ...(isWrapped && { colWidths: widths.map(width => width + gap), wordWrap: true }),
  })
  const draw = (text: string, index: number): string => {
    const title = titles[index]
    if (title === 'status') return paintStatus(text, stream)
    return isWrapped ? breakWords(text, widths[index] ?? text.length) : text
  }
  table.push(...texts.map(row => row.map(draw)))
  return table.toString().replaceAll(/ +$/gm, '')
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
export async function printTable(
  titles: readonly string[],
  rows: readonly (readonly unknown[])[],
  { otherwise = 'none', ...options }: TableOptions & { readonly otherwise?: string } = {},
): Promise<void> {
  print(rows.length === 0 ? otherwise : await drawTable(titles, rows, options))
}

const lightLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}

function cellText(value: unknown): string {
  return value === undefined || value === null ? '' : visible(String(value))
}
