/** Quotes names and texts for SQL; nothing else makes SQL of them. */

/** Quotes an identifier. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Quotes a string literal. A text with a NUL, which no literal may have, becomes an expression. */
export function quoteText(text: string): string {
  if (text.includes('\0')) return `concat_ws(chr(0), ${text.split('\0').map(quoteText).join(', ')})`
  return `'${text.replaceAll("'", "''")}'`
}

/** Quotes a list of string literals. */
export const quoteTexts = (texts: readonly string[]): string => `[${texts.map(quoteText).join(', ')}]`
