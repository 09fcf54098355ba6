/** What commands write: results on stdout, everything else on stderr. */

/** A result for people, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** A result for programs: one JSON value on a line of stdout; a bigint becomes a string. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_key, field) => (typeof field === 'bigint' ? String(field) : field)))
}

/** A remark that is no result, on stderr. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Text that comes from data, its control characters as escapes: else it could command the terminal. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, character => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return namedEscapes[character] ?? `\\u${code}`
  })
}

const namedEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
