/** Reads the part above the records of a text: byte order mark, lines to skip, and the header. */
import type { TextLayout } from '../define/formats/format-kind.ts'
import { engineName } from '../errors/engine-name.ts'
import { type ErrorDetail, PermanentError } from '../errors/errors.ts'
import { splitFields } from './csv-fields.ts'
import { bomBytes, decodeText } from './encoding.ts'
import type { Dialect } from './records/dialect.ts'
import { RecordMachine } from './records/machine.ts'

export interface Header {
  /** Column names in file order; empty for an empty text, or where no header is read. A column without a name is called `column` and its index. */
  readonly names: readonly string[]
  /** Offset of the first byte after the header: where records begin. */
  readonly end: number
  /** 1-based physical line that begins at `end`. */
  readonly line: number
  /** False when more bytes could change this answer. */
  readonly isComplete: boolean
}

type HeaderOptions = Partial<Pick<TextLayout, 'skip' | 'header' | 'skipAfterHeader'>>

/** Reads the header of a text. Blank lines and comments above it are skipped. Names may be equal: see `refuseEqualNames`. */
export function readHeader(bytes: Uint8Array, dialect: Dialect, options: HeaderOptions = {}): Header {
  const { skip = 0, header = true, skipAfterHeader = 0 } = options
  let { at, line, isComplete } = skipLines(bytes, { at: bomBytes(bytes), line: 1, skip })
  if (!header) return { names: [], end: at, line, isComplete }
  const machine = new RecordMachine(dialect)
  while (at < bytes.length) {
    const end = machine.step(bytes, at)
    isComplete = machine.isAtStart
    if (!isComplete) machine.finish()
    if (machine.lineKind === 'record' || machine.isInsideQuote) {
      const names = namesOf(bytes.subarray(at, end - (isComplete ? machine.newlineBytes : 0)), dialect)
      const below = skipLines(bytes, { at: end, line: line + machine.tally.lines, skip: skipAfterHeader })
      return {
        names,
        end: below.at,
        line: below.line,
        isComplete: isComplete && (skipAfterHeader === 0 || below.isComplete),
      }
    }
    at = end
  }
  return { names: [], end: at, line: line + machine.tally.lines, isComplete: false }
}

function skipLines(
  bytes: Uint8Array,
  { at: from, line: first, skip }: { readonly at: number; readonly line: number; readonly skip: number },
): { at: number; line: number; isComplete: boolean } {
  let at = from
  let line = first
  while (line < first + skip && at < bytes.length) {
    while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++
    at += bytes[at] === 13 && bytes[at + 1] === 10 ? 2 : 1
    line++
  }
  // One more byte shows that a carriage return was the whole newline, and three show that there is no byte order mark.
  const isComplete = line >= first + skip && at < bytes.length && bytes.length > 3
  return { at: Math.min(at, bytes.length), line, isComplete }
}

function namesOf(record: Uint8Array, dialect: Dialect): string[] {
  const text = decodeText(record, dialect.encoding ?? 'utf-8').replace(/[\r\n]+$/, '')
  return splitFields(text, dialect).map(({ text: name }, index) => name || `column${index}`)
}

export interface EqualNamesOptions {
  /** The file, or archive and member, with which the message begins. */
  readonly where: string
  /** The columns that are read; default all. */
  readonly used?: (name: string) => boolean
  /** Whether names that differ only in case are equal; default false. */
  readonly ignoreCase?: boolean
  readonly detail?: ErrorDetail
}

/** Refuses a header in which a column that is read has the name of another one. @throws INPUT_INVALID */
export function refuseEqualNames(
  names: readonly string[],
  { where, used = () => true, ignoreCase = false, detail = {} }: EqualNamesOptions,
): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const key = ignoreCase ? engineName(name) : name
    const same = seen.get(key)
    if (same !== undefined && (used(name) || used(same))) {
      const message = `${where}: expected distinct column names in the header, got ${JSON.stringify(same)} and ${JSON.stringify(name)}; rename one of them, or read by position with header: false and skip: 1`
      throw new PermanentError('INPUT_INVALID', message, { ...detail, column: name, same })
    }
    seen.set(key, name)
  }
}
