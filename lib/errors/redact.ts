/** Keeps secrets out of what leaves a thread: log lines and errors. */

/** Shorter values are in too many words that are none. */
const charactersMin = 4

/** Puts `***` in place of each secret in all texts of plain data; what has none of them comes back as it is. */
export function redactor(secrets: Readonly<Record<string, string>>): <T>(value: T) => T {
  const texts = [...new Set(Object.values(secrets).flatMap(formsOf))].sort((a, b) => b.length - a.length)
  if (texts.length === 0) return value => value
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return texts.reduce((text, secret) => text.replaceAll(secret, '***'), value)
    if (Array.isArray(value)) return value.map(clean)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, clean(item)]))
  }
  return value => clean(value) as typeof value
}

/** As it is, as JSON writes it, and as an address carries it. */
function formsOf(secret: string): string[] {
  if (secret.length < charactersMin) return []
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]
}
