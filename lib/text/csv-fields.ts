/** Splits a record of delimited text into its fields. */
import type { Dialect } from './records/dialect.ts'

export interface Field {
  readonly text: string
  readonly isQuoted: boolean
}

/** Returns the fields of one record, which has no newline; quotes are removed. */
export function splitFields(record: string, dialect: Dialect): Field[] {
  const { delimiter, quote } = dialect
  const fields: Field[] = []
  let at = 0
  for (;;) {
    const isQuoted = quote !== '' && (record.startsWith(quote, at) || record.startsWith(` ${quote}`, at))
    let value = ''
    if (isQuoted) {
      const close = closingQuote(record, record.indexOf(quote, at) + 1, dialect)
      value = close.value
      at = close.end
    }
    const end = record.indexOf(delimiter, at)
    const rest = record.slice(at, end === -1 ? undefined : end)
    fields.push({ text: isQuoted ? value + rest.trimStart() : rest, isQuoted })
    if (end === -1) return fields
    at = end + delimiter.length
  }
}

function closingQuote(record: string, from: number, dialect: Dialect) {
  const { quote } = dialect
  const escapeCharacter = dialect.escape || quote
  let value = ''
  let at = from
  while (at < record.length) {
    const character = record[at] as string
    const next = record[at + 1]
    if (character === escapeCharacter && (next === quote || (escapeCharacter !== quote && next === escapeCharacter))) {
      value += next
      at += 2
    } else if (character === quote) {
      return { value, end: at + 1 }
    } else {
      value += character
      at++
    }
  }
  return { value, end: at }
}
