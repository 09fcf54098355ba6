/** Plain text tables. */
import { print, visible } from './output.ts'

export interface TableOptions {
  /** Titles of the columns that hold numbers; they are aligned to the right. */
  readonly numbers?: readonly string[]
}

/** A table of `rows` below `titles`, without colours, a line a row; control characters are shown as escapes. */
export async function drawTable(
  titles: readonly string[],
  rows: readonly (readonly unknown[])[],
  { numbers = [] }: TableOptions = {},
): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const table = new Table({
    head: [...titles],
    colAligns: titles.map(title => (numbers.includes(title) ? 'right' : 'left')),
    chars: lightLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  })
  table.push(...rows.map(row => row.map(cellText)))
  return table.toString().replaceAll(/ +$/gm, '')
}

/** Prints what `drawTable` gives; for no rows, `otherwise`. */
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
