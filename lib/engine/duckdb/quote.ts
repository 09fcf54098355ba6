/** The one place where names and texts become SQL. */

/** An identifier, quoted. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A string literal, quoted. A NUL, which no literal may hold, makes it an expression. */
export function quoteText(text: string): string {
  if (text.includes('\0')) return `concat_ws(chr(0), ${text.split('\0').map(quoteText).join(', ')})`
  return `'${text.replaceAll("'", "''")}'`
}

/** A list of string literals. */
export const quoteTexts = (texts: readonly string[]): string => `[${texts.map(quoteText).join(', ')}]`
