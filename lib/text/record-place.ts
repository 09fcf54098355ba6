/** Counts lines and records up to an offset of a large text, going on from where they were last known. */
import type { Header } from './csv-header.ts'
import type { RangeReading } from './range-window.ts'
import type { Dialect } from './record-dialect.ts'
import { createRecordCutter } from './records.ts'

export interface RecordPlace {
  /** Where a record begins. */
  readonly offset: number
  /** Its 1-based physical line, and its 1-based number. */
  readonly line: number
  readonly record: number
}

export interface PlaceOptions {
  readonly top: Header
  readonly offset: number
}

/** Places known of texts read lately: a thread's slices of one text come in ascending order, so the last ones serve best. */
const known = new Map<string, RecordPlace[]>()
const knownTextsMax = 8
const knownPlacesMax = 1_000

/** The line and record that begin at `offset`. Streams the text from the nearest place known to this thread. */
export async function placeAt(
  reading: RangeReading,
  dialect: Dialect,
  { top, offset }: PlaceOptions,
): Promise<RecordPlace> {
  const places = placesOf(reading, dialect)
  const start = { offset: top.end, line: top.line, record: 1 }
  const nearest = places.filter(place => place.offset <= offset).reduce((a, b) => (b.offset > a.offset ? b : a), start)
  if (nearest.offset === offset) return nearest
  const { atEnd, last } = await countOn(reading, dialect, { from: nearest, until: offset })
  places.push(last)
  if (places.length > knownPlacesMax) places.shift()
  return atEnd
}

function placesOf({ store, input }: RangeReading, dialect: Dialect): RecordPlace[] {
  const key = JSON.stringify([store.url, input.key, input.etag, dialect])
  const places = known.get(key) ?? []
  known.delete(key)
  known.set(key, places)
  const [oldest] = known.keys()
  if (known.size > knownTextsMax && oldest !== undefined) known.delete(oldest)
  return places
}

/** The place at `until`, supposed that a record begins there; and the last record end before, of which it is sure. */
async function countOn(
  { store, input, signal }: RangeReading,
  dialect: Dialect,
  { from, until }: { readonly from: RecordPlace; readonly until: number },
): Promise<{ readonly atEnd: RecordPlace; readonly last: RecordPlace }> {
  const range = { start: from.offset, end: until }
  const cutter = createRecordCutter(dialect)
  let offset = from.offset
  let seen = from.offset
  for await (const chunk of store.stream(input.key, { range, etag: input.etag, ...(signal ? { signal } : {}) })) {
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
