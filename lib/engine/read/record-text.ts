/** The whole text of a record, as SQL, for rejects: what to fix and load again. */
import type { CsvFormat } from '../../define/definition.ts'
import { quoteName, quoteText, quoteTexts } from '../duckdb/quote.ts'

/** So much of a rejected record is kept. */
export const recordCharactersMax = 65_536

/** Fields as one CSV record of the format, from the names of their text columns: quoted where they must be. */
export function csvRecordText(names: readonly string[], format: CsvFormat): string {
  if (names.length === 0) return "''"
  const { delimiter, nullValues } = format
  const nullText = nullValues.includes('') ? '' : (nullValues[0] ?? '')
  const field = `CASE WHEN x IS NULL THEN ${quoteText(nullText)} ${quotedField(format)} ELSE x END`
  const fields = `list_transform([${names.map(quoteName).join(', ')}], lambda x: ${field})`
  return `array_to_string(${fields}, ${quoteText(delimiter)})`
}

function quotedField({ delimiter, quote, escape: escaped, nullValues }: CsvFormat): string {
  if (quote === '') return ''
  const special = [delimiter, quote, '\n', '\r'].map(each => `contains(x, ${quoteText(each)})`)
  const isNull = nullValues.length > 0 ? [`x IN ${inList(nullValues)}`] : []
  const own =
    escaped === quote || escaped === '' ? 'x' : `replace(x, ${quoteText(escaped)}, ${quoteText(escaped + escaped)})`
  const inner = `replace(${own}, ${quoteText(quote)}, ${quoteText((escaped || quote) + quote)})`
  return `WHEN ${[...special, ...isNull].join(' OR ')} THEN concat(${quoteText(quote)}, ${inner}, ${quoteText(quote)})`
}

const inList = (texts: readonly string[]): string => quoteTexts(texts).replace(/^\[/, '(').replace(/\]$/, ')')
