/** Rewrites texts of other forms (UTF-16, JSON documents, escaped fields, texts with a footer) to UTF-8 with one record a line. */
import { rewriteAvro } from '../avro/record-text.ts'
import { isWide, layoutOfText, type TextFormat, type TextLayout } from '../define/formats/format-kind.ts'
import { rewriteSheet, type SheetTextOptions } from '../workbook/sheet-text.ts'
import { recordLines } from '../xml/record-lines.ts'
import type { ChunkFilter } from './chunk-filter.ts'
import { dropFooter } from './drop-footer.ts'
import { toUtf8 } from './encoding.ts'
import { escapedFields } from './escaped-fields.ts'
import { cutDocuments } from './json-document.ts'
import { checkTextStart, refuseOtherFile } from './other-file.ts'
import { decodeUtf16 } from './utf16.ts'

/** Returns the filter of a format's texts; undefined where they are read as they are. `name` is that of the file or member. */
export function textFilter(format: TextFormat, name: string): ChunkFilter | undefined {
  const { decoded, encoding, footer, escapes, document } = layoutOfText(format)
  const filters = [
    ...(decoded ? [decodeText(decoded)] : []),
    ...(footer > 0 ? [dropFooter(footer)] : []),
    ...(escapes ? [escapedFields(escapes)] : []),
    ...(document ? [cutDocuments(document)] : []),
  ]
  if (filters.length === 0) return undefined
  let isFirst = true
  return {
    push(chunk, isLast) {
      if (isFirst && decoded && isWide(decoded)) refuseOtherFile(chunk, name)
      else if (isFirst) checkTextStart(chunk, name, decoded === 'windows-1252' ? decoded : encoding)
      isFirst &&= chunk.length === 0
      return filters.reduce((bytes, filter) => filter.push(bytes, isLast), chunk)
    },
    // Only one of a format's filters drops lines between records.
    gaps: filters.find(({ gaps }) => gaps)?.gaps,
  }
}

const decodeText = (encoding: NonNullable<TextLayout['decoded']>): ChunkFilter =>
  isWide(encoding) ? decodeUtf16(encoding) : { push: chunk => toUtf8(chunk, encoding) }

/** Rewrites a whole text. Memory: twice the text. */
export function filterText(
  format: TextFormat,
  name: string,
  bytes: Uint8Array,
): { readonly bytes: Uint8Array; readonly gaps?: readonly number[] | undefined } {
  const filter = textFilter(format, name)
  return filter ? { bytes: filter.push(bytes, true), gaps: filter.gaps } : { bytes }
}

/** Rewrites the chunks of a text. Memory: a chunk, and the footer or character that may go on in the next one. */
export async function* filterChunks(
  source: AsyncIterable<Uint8Array>,
  filter: ChunkFilter,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield filter.push(chunk, false)
  yield filter.push(new Uint8Array(0), true)
}

/** A text that is rewritten as it comes. `gaps` are those of the text so far, as `ChunkFilter` describes. */
export interface RewrittenText {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly gaps?: number[] | undefined
}

export interface RewriteTextOptions {
  readonly format: TextFormat
  /** Name of the file or member, for messages. */
  readonly name: string
  /** The reading of cells with an error in workbooks: see `rewriteSheet`. */
  readonly errors?: SheetTextOptions['errors']
}

/** Rewrites a text of any form. Memory: as `filterChunks`; for workbooks as `rewriteSheet`. @throws INPUT_INVALID, INPUT_ENCODING */
export function rewriteText(
  source: AsyncIterable<Uint8Array>,
  { format, name, errors }: RewriteTextOptions,
): RewrittenText {
  const { avro, workbook, xml } = layoutOfText(format)
  const gaps: number[] = []
  const begun = (...expected: readonly string[]) => checkStart(source, name, expected)
  if (avro) return { chunks: rewriteAvro(begun('an Avro file'), { gaps }), gaps }
  if (workbook)
    return {
      chunks: rewriteSheet(begun('an Excel workbook (xlsx)', 'a zip archive'), { format: workbook, gaps, errors }),
      gaps,
    }
  if (xml) return { chunks: recordLines(begun('an XML document'), { format: xml, gaps }), gaps }
  const filter = textFilter(format, name)
  return filter ? { chunks: filterChunks(source, filter), gaps: filter.gaps } : { chunks: source }
}

/** Refuses a file of another kind by its first bytes: any zip archive may be a workbook. */
async function* checkStart(
  source: AsyncIterable<Uint8Array>,
  name: string,
  [expected, ...similar]: readonly string[],
): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const chunk of source) {
    if (isFirst) refuseOtherFile(chunk, name, expected, similar)
    isFirst &&= chunk.length === 0
    yield chunk
  }
}

/** Gaps of a part of a text that begins at an offset, and the lines that are missing up to there. */
export function gapsFrom(
  gaps: readonly number[],
  start: number,
  end = Number.POSITIVE_INFINITY,
): { readonly lines: number; readonly gaps: number[] } {
  let lines = 0
  const inside: number[] = []
  for (let at = 0; at < gaps.length; at += 2) {
    const [offset = 0, missing = 0] = [gaps[at], gaps[at + 1]]
    if (offset < start) lines += missing
    else if (offset < end) inside.push(offset - start, missing)
  }
  return { lines, gaps: inside }
}
