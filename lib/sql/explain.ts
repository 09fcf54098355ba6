/** Explains why the engine refuses a statement of the user's. */
import { nearestOrAll } from '../errors/nearest.ts'

/** Returns the engine's message; for an unknown column the nearest known ones, and for an unknown table the engine's guess. */
export function explainSql(error: unknown, columns: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error)
  const table = /Table with name (\S+) does not exist/.exec(message)?.[1]
  if (table !== undefined) {
    const meant = /Did you mean "([^"]+)"/.exec(message)?.[1]
    return `unknown table ${table}${meant === undefined ? '' : `; did you mean ${meant}`}`
  }
  const unknown = /column(?: named)? "([^"]+)"/.exec(message)?.[1]
  if (unknown === undefined || /must appear in the GROUP BY/.test(message)) return message.split('\n')[0] ?? message
  return `unknown column ${unknown}; ${nearestOrAll(unknown, columns)}`
}
