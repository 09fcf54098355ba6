/** The one place where names and texts become SQL. */

/** An identifier, quoted. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A string literal, quoted. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A list of string literals. */
export const quoteTexts = (texts: readonly string[]): string => `[${texts.map(quoteText).join(', ')}]`
