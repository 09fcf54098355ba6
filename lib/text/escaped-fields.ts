/** Rewrites text whose fields escape delimiters and newlines without quotes, as MySQL and PostgreSQL write it, to one record a line. */
import { Buffer } from 'node:buffer'
import { type ChunkFilter, joinChunks } from './chunk-filter.ts'
import { isNewline } from './records/dialect.ts'

export interface EscapedText {
  /** One ASCII character each. */
  readonly escape: string
  readonly delimiter: string
}

/** Stands for an escaped delimiter after the escape character. */
export const delimiterMark = '\u0001'

/** Returns a filter that writes an escaped newline as `\n` or `\r`, and an escaped delimiter as `\t` or as the mark. */
export function escapedFields({ escape: escaped, delimiter }: EscapedText): ChunkFilter {
  const escapeByte = escaped.charCodeAt(0)
  const replaced = new Map([
    [10, 0x6e],
    [13, 0x72],
    [delimiter.charCodeAt(0), delimiter === '\t' ? 0x74 : delimiterMark.charCodeAt(0)],
  ])
  const gaps: number[] = []
  let kept: Uint8Array = new Uint8Array(0)
  let written = 0
  /** Escaped newlines in the record; carriage returns are lines where one ends the record. */
  let [lineFeeds, returns] = [0, 0]
  /** Notes the escaped newlines before the next record, which begins after an unescaped one. */
  const note = (bytes: Buffer, from: number, end: number): void => {
    if (lineFeeds + returns === 0) return
    const newline = bytes.subarray(from, end).findIndex(isNewline)
    if (newline === -1) return
    const last = bytes[from + newline] === 13 && bytes[from + newline + 1] === 10 ? newline + 1 : newline
    const missing = bytes[from + last] === 13 ? lineFeeds + returns : lineFeeds
    if (missing > 0) gaps.push(written + from + last + 1, missing)
    lineFeeds = returns = 0
  }
  return {
    gaps,
    push(chunk, isLast) {
      const bytes = Buffer.from(joinChunks(kept, chunk))
      kept = new Uint8Array(0)
      let from = 0
      for (let at = bytes.indexOf(escapeByte); at !== -1; at = bytes.indexOf(escapeByte, from)) {
        note(bytes, from, at)
        if (at + 1 === bytes.length && !isLast) kept = bytes.subarray(at)
        const next = bytes[at + 1] ?? 0
        if (next === 10) lineFeeds++
        if (next === 13) returns++
        bytes[at + 1] = replaced.get(next) ?? next
        from = at + 2
      }
      // Half of CRLF waits for the other one.
      if (kept.length === 0 && !isLast && bytes.at(-1) === 13) kept = bytes.subarray(-1)
      const text = bytes.subarray(0, bytes.length - kept.length)
      note(text, Math.min(from, text.length), text.length)
      written += text.length
      return text
    },
  }
}
