/** Removes secrets from log lines and errors that leave a thread. */

/** The fewest characters of a secret that is removed: a shorter one is part of too many words. */
const charactersMin = 4

/** Returns a function that replaces each secret by `***` in all texts of plain data. */
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

/** Returns the forms of a secret: as it is, in JSON, and in an address. */
function formsOf(secret: string): string[] {
  if (secret.length < charactersMin) return []
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]
}
