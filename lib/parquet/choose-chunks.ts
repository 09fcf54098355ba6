/** Chooses the chunks of a Parquet file that have to be read, and the ranges of bytes that hold them. */
import { sumFields } from '../model/sum-fields.ts'
import { columnElements } from './columns.ts'
import type { ColumnChunk, ParquetFooter } from './footer.ts'
import type { FooterChoice } from './project-footer.ts'

interface Range {
  readonly start: number
  readonly end: number
}

/**
 * Returns the columns with these names, default all, and the row groups for which `isNeeded` is true, default all. Without any column
 * the smallest one is chosen, because only a column shows the engine how many rows there are.
 */
export function chooseChunks(
  footer: ParquetFooter,
  {
    names,
    isNeeded,
  }: { readonly names?: ReadonlySet<string> | undefined; readonly isNeeded?: readonly boolean[] | undefined },
): FooterChoice {
  const columns = new Set(columnElements(footer).flatMap(({ name }, at) => (!names || names.has(name) ? [at] : [])))
  if (columns.size === 0) columns.add(smallestColumn(footer))
  const rowGroups = new Set(footer.rowGroups.flatMap((_, at) => (isNeeded?.[at] === false ? [] : [at])))
  return { columns, rowGroups }
}

function smallestColumn(footer: ParquetFooter): number {
  const sizes = columnElements(footer).map(({ leaves }) => {
    const chunks = footer.rowGroups.flatMap(({ columns }) => leaves.flatMap(leaf => columns[leaf] ?? []))
    return sumFields(chunks, ['lengthBytes']).lengthBytes
  })
  return sizes.indexOf(Math.min(...sizes))
}

/** Bytes that some old writers do not count: the header of a dictionary page. */
const uncountedBytes = 100

/** Returns the bytes of the chosen chunks. */
export const chunkBytes = (footer: ParquetFooter, choice: FooterChoice): number =>
  sumFields(chosenChunks(footer, choice), ['lengthBytes']).lengthBytes

/** Returns the ranges of the chosen chunks in order. Neighbours are one range where gaps are at most 2 % of it. */
export function chunkRanges(footer: ParquetFooter, choice: FooterChoice, endMax: number): readonly Range[] {
  const ranges = chosenChunks(footer, choice).map(({ start, lengthBytes }) => {
    return { start, end: Math.min(endMax, start + lengthBytes + uncountedBytes) }
  })
  return joined(ranges.sort((a, b) => a.start - b.start))
}

/** Returns the chosen chunks, row group by row group. */
export function chosenChunks(footer: ParquetFooter, { columns, rowGroups }: FooterChoice): readonly ColumnChunk[] {
  const all = columnElements(footer)
  const leaves = [...columns].flatMap(column => all[column]?.leaves ?? [])
  return [...rowGroups].flatMap(at => leaves.flatMap(leaf => footer.rowGroups[at]?.columns[leaf] ?? []))
}

const gapShareMax = 0.02

function joined(ranges: readonly Range[]): readonly Range[] {
  const done: { start: number; end: number; gaps: number }[] = []
  for (const { start, end } of ranges) {
    const last = done.at(-1)
    const gaps = last ? last.gaps + Math.max(0, start - last.end) : 0
    if (last && gaps <= (Math.max(last.end, end) - last.start) * gapShareMax) {
      last.end = Math.max(last.end, end)
      last.gaps = gaps
    } else done.push({ start, end, gaps: 0 })
  }
  return done
}

/** Returns the ranges of rows in the chosen row groups; undefined where all are chosen. */
export function chosenRows({ rowGroups }: ParquetFooter, chosen: ReadonlySet<number>): readonly Range[] | undefined {
  if (chosen.size === rowGroups.length) return undefined
  const ranges: { start: number; end: number }[] = []
  let start = 0
  for (const [at, { rowCount }] of rowGroups.entries()) {
    const last = ranges.at(-1)
    if (chosen.has(at) && last?.end === start) last.end = start + rowCount
    else if (chosen.has(at)) ranges.push({ start, end: start + rowCount })
    start += rowCount
  }
  return ranges
}
