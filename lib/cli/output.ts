/** Writes the output of commands: results to stdout, everything else to stderr. */

/** Writes a result for people to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Writes a result for programs: one JSON value on a line of stdout. A bigint becomes a string. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_key, field) => (typeof field === 'bigint' ? String(field) : field)))
}

/** Writes a line that is not a result to stderr. */
export function printToStderr(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Escapes the control characters of a text that comes from data, so that it cannot control the terminal. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, character => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return namedEscapes[character] ?? `\\u${code}`
  })
}

const namedEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
