/** Writes a path through a graph, as messages show it. */

/** Returns the keys with arrows between them; of a long path only its ends. */
export function pathText(keys: readonly string[]): string {
  const shown = keys.length > shownMax ? [...keys.slice(0, 3), '…', ...keys.slice(-3)] : keys
  return shown.join(' → ')
}

/** A longer path fills more than a few lines of a terminal. */
const shownMax = 12
