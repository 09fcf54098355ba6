/** Counts lines and records up to an offset of a large text, from the nearest position that is known. */
import type { Header } from '../csv-header.ts'
import type { Dialect } from './dialect.ts'
import type { RangeReading } from './range-window.ts'
import { createRecordCutter } from './records.ts'

export interface RecordPlace {
  /** Offset at which a record begins. */
  readonly offset: number
  /** 1-based physical line and 1-based number of that record. */
  readonly line: number
  readonly record: number
}

/** Known positions in recently read texts. A thread reads the slices of a text in ascending order, so the latest ones help most. */
const known = new Map<string, RecordPlace[]>()
const knownTextsMax = 8
const knownPlacesMax = 1_000

/** Returns the line and record that begin at `offset`. Streams the text from the nearest position that this thread knows. */
export async function findRecordPlace(
  reading: RangeReading,
  dialect: Dialect,
  { top, offset }: { readonly top: Header; readonly offset: number },
): Promise<RecordPlace> {
  const places = knownPlaces(reading, dialect)
  const start = { offset: top.end, line: top.line, record: 1 }
  const nearest = places.filter(place => place.offset <= offset).reduce((a, b) => (b.offset > a.offset ? b : a), start)
  if (nearest.offset === offset) return nearest
  const { atEnd, last } = await countRecords(reading, dialect, { from: nearest, until: offset })
  places.push(last)
  if (places.length > knownPlacesMax) places.shift()
  return atEnd
}

function knownPlaces({ store, input }: RangeReading, dialect: Dialect): RecordPlace[] {
  const key = JSON.stringify([store.url, input.key, input.etag, dialect])
  const places = known.get(key) ?? []
  known.delete(key)
  known.set(key, places)
  const [oldest] = known.keys()
  if (known.size > knownTextsMax && oldest !== undefined) known.delete(oldest)
  return places
}

/** Returns the place at `until`, assuming that a record begins there, and the place of the last record end before it, which is certain. */
async function countRecords(
  { store, input, signal }: RangeReading,
  dialect: Dialect,
  { from, until }: { readonly from: RecordPlace; readonly until: number },
): Promise<{ readonly atEnd: RecordPlace; readonly last: RecordPlace }> {
  const range = { start: from.offset, end: until }
  const cutter = createRecordCutter(dialect)
  let offset = from.offset
  let seen = from.offset
  for await (const chunk of store.stream(input.key, { range, etag: input.etag, signal })) {
    const end = cutter.push(chunk)
    if (end !== -1) offset = seen + end
    seen += chunk.length
  }
  const placeHere = (at: number): RecordPlace => ({
    offset: at,
    line: from.line + cutter.lines,
    record: from.record + cutter.records,
  })
  const last = placeHere(offset)
  cutter.finish()
  return { atEnd: placeHere(until), last }
}
