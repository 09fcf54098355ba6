/** Copies the chunks of a Parquet file that are needed into a sparse file, at their own offsets: nothing else of it is read. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { throwIfAborted } from '../errors/abort.ts'
import type { MemberPlace } from '../model/member-place.ts'
import type { InputObject } from '../model/plan-data.ts'
import { chooseChunks, chosenRows, chunkBytes, chunkRanges } from '../parquet/choose-chunks.ts'
import { columnElements } from '../parquet/columns.ts'
import {
  checkedFooter,
  checkPages,
  describeFile,
  describeForeignFile,
  type FileReading,
  type ParquetContent,
  prepareSparse,
} from '../parquet/file.ts'
import type { ParquetFooter } from '../parquet/footer.ts'
import { readTail, tailBytes } from '../parquet/footer-tail.ts'
import { isReadAsWritten } from '../parquet/in-place.ts'
import type { FooterChoice } from '../parquet/project-footer.ts'
import { mapParallel } from '../state/files.ts'
import type { Reader } from '../store/store.ts'
import type { SliceStageOptions } from './staging.ts'

export interface SparseOptions extends Pick<SliceStageOptions, 'neededColumns' | 'rowGroups' | 'signal'> {
  readonly store: Pick<Reader, 'read' | 'stream'>
  readonly file: string
  readonly origin: MemberPlace
  readonly reading: FileReading
}

export interface SparseResult {
  readonly parquet: ParquetContent
  readonly bytesRead: number
  readonly rowGroupsSkipped: number
}

/** Most footers are smaller, and are read with the end of the file. */
const tailGuessBytes = 8 * 1024
const rangesAtOnce = 4

/** Memory: the footer, and a few MiB. @throws INPUT_INVALID for a file that is not Parquet; INPUT_CHANGED */
export async function copyChunks(
  input: Pick<InputObject, 'key' | 'etag' | 'sizeBytes'>,
  options: SparseOptions,
): Promise<SparseResult> {
  const { file, origin, reading } = options
  const { key, etag, sizeBytes } = input
  const read = (start: number, end: number) =>
    options.store.read(key, { etag, range: { start, end }, signal: options.signal })
  const tail = await readTail(read, sizeBytes, { origin, guessBytes: tailGuessBytes })
  const footer = checkedFooter(tail.footer, origin)
  const choice = await neededChunks(footer, options)
  const ranges = chunkRanges(footer, choice, sizeBytes - tailBytes - tail.footer.length)
  const handle = openSync(file, 'w+')
  try {
    await mapParallel(ranges, range => copyRange(handle, input, range, options), rangesAtOnce)
    // The rewritten footer stands after the last byte of the original.
    writeSync(handle, new Uint8Array(1), 0, 1, sizeBytes - 1)
    const parquet = prepareSparse({ handle, bytes: tail.footer, footer, choice }, origin, reading)
    const bytesRead = tail.bytesRead + ranges.reduce((sum, { start, end }) => sum + end - start, 0)
    const rowGroupsSkipped = footer.rowGroups.length - choice.rowGroups.size
    return { parquet: { ...parquet, gaps: gapsOf(footer, choice.rowGroups) }, bytesRead, rowGroupsSkipped }
  } finally {
    closeSync(handle)
  }
}

type InPlaceOptions = Pick<SparseOptions, 'origin' | 'neededColumns' | 'rowGroups'>

/** Describes a file that Fanmill wrote, and that the engine opens itself, and the rows of it that it has to read. */
export async function openInPlace(file: string, options: InPlaceOptions): Promise<SparseResult> {
  const opened = describeFile(file, options.origin)
  return resultInPlace(opened, await neededChunks(opened.footer, options))
}

/**
 * Describes a file of others that the engine can open itself, because it changes no value of the needed columns; undefined where it would.
 * @throws INPUT_INVALID for a damaged file or one that is not Parquet
 */
export async function openAsWritten(file: string, options: InPlaceOptions): Promise<SparseResult | undefined> {
  const { origin } = options
  const opened = describeForeignFile(file, origin)
  const choice = await neededChunks(opened.footer, options)
  if (opened.footer.geoKeyAt !== undefined || !isReadAsWritten(opened.columns, choice.columns)) return undefined
  checkPages(file, { footer: opened.footer, choice }, origin)
  return resultInPlace(opened, choice)
}

function resultInPlace(
  { footer, footerBytes, ...parquet }: ReturnType<typeof describeFile>,
  choice: FooterChoice,
): SparseResult {
  const rowRanges = chosenRows(footer, choice.rowGroups)
  const rowCount = rowRanges?.reduce((sum, { start, end }) => sum + end - start, 0) ?? parquet.rowCount
  return {
    parquet: { ...parquet, rowCount, rowRanges },
    bytesRead: footerBytes + tailBytes + chunkBytes(footer, choice),
    rowGroupsSkipped: footer.rowGroups.length - choice.rowGroups.size,
  }
}

async function neededChunks(
  footer: ParquetFooter,
  { origin: { archive }, neededColumns, rowGroups }: InPlaceOptions,
): Promise<FooterChoice> {
  const all = columnElements(footer).map(({ name }) => name)
  const names = await neededColumns?.({ archive, names: all })
  return chooseChunks(footer, { names, isNeeded: await rowGroups?.(footer) })
}

async function copyRange(
  handle: number,
  { key, etag }: Pick<InputObject, 'key' | 'etag'>,
  range: { readonly start: number; readonly end: number },
  { store, signal }: SparseOptions,
): Promise<void> {
  let at = range.start
  for await (const bytes of store.stream(key, { etag, range, signal })) {
    throwIfAborted(signal)
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done, bytes.length - done, at + done)
    at += bytes.length
  }
}

/** Returns where the copy lacks rows, so that its rows have the numbers that they have in the file. */
function gapsOf(footer: ParquetFooter, chosen: ReadonlySet<number>): ParquetContent['gaps'] {
  const ranges = chosenRows(footer, chosen)
  if (!ranges) return undefined
  let start = 0
  return ranges.map(range => {
    const gap = { start, skipped: range.start - start }
    start += range.end - range.start
    return gap
  })
}
