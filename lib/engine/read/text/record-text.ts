/** The whole text of a record, as SQL, for rejects: users fix it and load it again. */
import type { CsvFormat } from '../../../define/definition.ts'
import { quoteName, quoteText } from '../../../duckdb/quote.ts'

/** The text of a rejected record is cut at this length. */
export const recordCharactersMax = 65_536

/** The text of a CSV record has at most this many fields: the engine holds a vector for each, 32 KiB. */
export const recordFieldsMax = 4000

/** Writes fields as one CSV record of the format, from the names of their text columns; quotes them where they must be quoted. */
export function csvRecordText(names: readonly string[], format: CsvFormat): string {
  if (names.length === 0) return "''"
  const { delimiter, nullValues } = format
  const nullText = nullValues.includes('') ? '' : (nullValues[0] ?? '')
  const field = `CASE WHEN x IS NULL THEN ${quoteText(nullText)} ${quotedField(format)} ELSE x END`
  const shown = names.slice(0, recordFieldsMax)
  const fields = `list_transform([${shown.map(quoteName).join(', ')}], lambda x: ${field})`
  return `array_to_string(${fields}, ${quoteText(delimiter)})`
}

function quotedField({ delimiter, quote, escape: escaped, nullValues }: CsvFormat): string {
  if (quote === '') return ''
  const special = [delimiter, quote, '\n', '\r'].map(each => `contains(x, ${quoteText(each)})`)
  const isNull = nullValues.length > 0 ? [`x IN (${nullValues.map(quoteText).join(', ')})`] : []
  const own =
    escaped === quote || escaped === '' ? 'x' : `replace(x, ${quoteText(escaped)}, ${quoteText(escaped + escaped)})`
  const inner = `replace(${own}, ${quoteText(quote)}, ${quoteText((escaped || quote) + quote)})`
  return `WHEN ${[...special, ...isNull].join(' OR ')} THEN concat(${quoteText(quote)}, ${inner}, ${quoteText(quote)})`
}
