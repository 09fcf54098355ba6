/** Reads a slice of a large text by its byte range, cut on record ends. Its start is guessed from the text, or given by the slice before when the guess was wrong. */
import { hasFields, type TextFormat } from '../../define/formats/format-kind.ts'
import { PermanentError } from '../../errors/errors.ts'
import { withPlace } from '../../model/member-place.ts'
import type { RangeSlice } from '../../model/plan-data.ts'
import { type Header, readHeader } from '../csv-header.ts'
import { checkTextStart } from '../other-file.ts'
import { type Dialect, dialectOf, encodingOf, longestRecordBytes, topOf } from './dialect.ts'
import { RecordMachine } from './machine.ts'
import { findRecordPlace } from './place.ts'
import { type RangeReading, RangeWindow } from './range-window.ts'
import { type RecordScan, recordEndSearch, scanRecords } from './records.ts'
import { recordStartSearch } from './start.ts'

/** The records that begin in a slice's range. */
export interface RangeText {
  /** The records in the text's own encoding, without the header. */
  readonly bytes: Uint8Array
  /** Offset in the object at which the slice begins; 0 for the first slice, which begins with the header. */
  readonly start: number
  /** Offset of the first record of the next slice; -1 when it was not found. If it differs from that slice's `start`, one of the two guessed wrongly. */
  readonly end: number
  /** Column names in file order; empty where there is no header. */
  readonly header: readonly string[]
  readonly scan: RecordScan
  /** 1-based physical line of the first byte of `bytes`, and number of the first record; undefined unless `isPlaced` or the first slice. */
  readonly firstLine: number | undefined
  readonly firstRecord: number | undefined
}

export interface RangeSliceOptions extends Omit<RangeReading, 'recordBytesMax'> {
  readonly slice: RangeSlice
  readonly format: TextFormat
  /** Finds `firstLine` and `firstRecord`, for which the text above the slice is read, from the last position that this thread knows. Default false. */
  readonly isPlaced?: boolean
  /** Longest record, and longest header; default 64 MiB. */
  readonly recordBytesMax?: number
}

/**
 * Reads the text of a slice in two requests, rarely more. Memory: the slice, and twice what is read beyond it when a record is long.
 * @throws INPUT_INVALID for a record longer than `recordBytesMax` in a slice whose start is certain, and for a longer header;
 * INPUT_ENCODING for UTF-16; and as the store's `read`
 */
export async function readRangeSlice(options: RangeSliceOptions): Promise<RangeText> {
  try {
    return await readText(options)
  } catch (error) {
    throw withPlace(error, { archive: options.input.key, member: '' })
  }
}

async function readText(options: RangeSliceOptions): Promise<RangeText> {
  const { store, input, slice, format, isPlaced = false, signal, recordBytesMax = longestRecordBytes, into } = options
  const { range } = slice
  const dialect = dialectOf(format, encodingOf(format))
  const reading = { store, input, recordBytesMax, signal }
  const top = await readTop(new RangeWindow(reading, { start: 0, end: 0 }), format)
  // The byte before the range may be the newline after which the first record begins.
  const text = new RangeWindow({ ...reading, into }, { start: Math.max(range.start - 1, 0), end: range.end })
  await text.grow()
  const from = slice.recordStart ?? (range.start <= top.end ? top.end : await findStart(text, dialect, top.columnCount))
  const { end, scan } = await findEnd(text, dialect, { from, notBefore: range.end })
  const isFirst = range.start === 0
  if (end === -1 && (isFirst || slice.recordStart !== undefined)) throw tooLong('record', recordBytesMax)
  const bytes = end === -1 ? noBytes : text.slice(from, end)
  const isKnown = isPlaced || isFirst
  const place = isKnown ? await findRecordPlace(reading, dialect, { top, offset: from }) : undefined
  const found = { firstLine: place?.line, firstRecord: place?.record }
  return { bytes, start: isFirst ? 0 : from, end, header: top.names, scan, ...found }
}

interface Top extends Header {
  /** Fields of a record; 0 when unknown. */
  readonly columnCount: number
}

/** Reads the header of a text, in which the window begins. */
export async function readTop(window: RangeWindow, format: TextFormat): Promise<Top> {
  const dialect = dialectOf(format, encodingOf(format))
  await window.grow()
  checkTextStart(window.bytes, '', encodingOf(format))
  for (;;) {
    const found = readHeader(window.bytes, dialect, topOf(format))
    if (found.isComplete || window.isAtEnd) {
      return { ...found, columnCount: found.names.length || fieldCount(window.bytes.subarray(found.end), format) }
    }
    if (!(await window.grow())) throw tooLong('header', window.recordBytesMax)
  }
}

function fieldCount(bytes: Uint8Array, format: TextFormat): number {
  if (!hasFields(format)) return 0
  const machine = new RecordMachine(dialectOf(format, encodingOf(format)))
  for (let at = 0; at < bytes.length; ) {
    at = machine.step(bytes, at)
    if (machine.isAtStart && machine.lineKind === 'record') return machine.lineFields
  }
  return 0
}

/** Returns the offset in the object of the first record that begins in the window; the object's end when there is none. */
export async function findStart(text: RangeWindow, dialect: Dialect, columnCount: number): Promise<number> {
  const found = await text.find(recordStartSearch(dialect, columnCount))
  return found === -1 ? text.sizeBytes : found
}

/** Finds the first record end at or after `notBefore`, reading from `from`: its offset in the object, -1 when the record is too long; and the records before it. */
async function findEnd(
  text: RangeWindow,
  dialect: Dialect,
  { from, notBefore }: { from: number; notBefore: number },
): Promise<{ readonly end: number; readonly scan: RecordScan }> {
  if (from >= notBefore) return { end: from, scan: scanRecords(noBytes, dialect) }
  const inWindow = { from: from - text.offset, notBefore: notBefore - text.offset }
  const search = recordEndSearch(dialect, inWindow)
  let scan: RecordScan | undefined
  const end = await text.find(bytes => {
    const found = search(bytes)
    scan = found?.scan
    return found?.end ?? -1
  })
  return { end, scan: scan ?? scanRecords(end === -1 ? noBytes : text.slice(from, end), dialect) }
}

const noBytes = new Uint8Array(0)

function tooLong(what: 'record' | 'header', recordBytesMax: number): PermanentError {
  const message = `expected a ${what} of at most ${recordBytesMax} bytes, got a longer one; a quote may be left open, or the file may not be CSV`
  return new PermanentError('INPUT_INVALID', message, { recordBytesMax })
}
