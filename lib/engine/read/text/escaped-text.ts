/** Reads the escapes of fields without quotes, as MySQL and PostgreSQL write them, in SQL. */
import { escapeRegExp } from '../../../define/template-syntax.ts'
import { quoteText } from '../../../duckdb/quote.ts'
import { delimiterMark, type EscapedText } from '../../../text/escaped-fields.ts'

/** Letters after the escape character, and what they stand for; any other character stands for itself. */
const letters: Readonly<Record<string, string>> = {
  n: 'chr(10)',
  r: 'chr(13)',
  t: 'chr(9)',
  b: 'chr(8)',
  f: 'chr(12)',
  v: 'chr(11)',
  '0': 'chr(0)',
  Z: 'chr(26)',
}

/** Returns the text of a field. An escaped escape character parts it, so that what follows is read apart. */
export function unescapedText(text: string, { escape: escaped, delimiter }: EscapedText): string {
  const literal = quoteText(escaped)
  const known = { ...letters, [delimiterMark]: quoteText(delimiter) }
  const read = Object.entries(known).reduce(
    (sql, [letter, value]) => `replace(${sql}, ${quoteText(escaped + letter)}, ${value})`,
    'piece',
  )
  const others = `regexp_replace(${read}, ${quoteText(`${escapeRegExp(escaped)}(.)`)}, '\\1', 'gs')`
  const pieces = `list_transform(string_split(${text}, ${quoteText(escaped + escaped)}), lambda piece: ${others})`
  return `CASE WHEN contains(${text}, ${literal}) THEN array_to_string(${pieces}, ${literal}) ELSE ${text} END`
}

/** Returns the text of a record as it stood in the file, as far as delimiters are escaped. */
export const writtenText = (text: string, { escape: escaped, delimiter }: EscapedText): string =>
  `replace(${text}, ${quoteText(escaped + delimiterMark)}, ${quoteText(escaped + delimiter)})`
