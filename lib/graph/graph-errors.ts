/** Errors about a graph, each with the path through it. */
import { PermanentError } from '../errors/errors.ts'
import { nodeCountMax } from './graph.ts'

/** Returns the error for a path that ends with a node which is on it already. */
export function cycle(path: readonly string[]): PermanentError {
  const round = path.slice(path.indexOf(path.at(-1) ?? ''))
  return new PermanentError('GRAPH_CYCLE', `expected tasks that do not wait for themselves, got ${pathText(round)}`, {
    path: round,
  })
}

export function tooManyNodes(path: readonly string[]): PermanentError {
  return new PermanentError(
    'GRAPH_TOO_LARGE',
    `expected a graph of at most ${nodeCountMax} nodes, got more at ${pathText(path)}; run it in several ranges, or end requirements of a task by itself`,
    { path: path.slice(-10), nodeCountMax },
  )
}

/** Returns the keys with arrows between them; of a long path only its ends. */
export function pathText(keys: readonly string[]): string {
  const shown = keys.length > shownMax ? [...keys.slice(0, 3), '…', ...keys.slice(-3)] : keys
  return shown.join(' → ')
}

/** A longer path fills more than a few lines of a terminal. */
const shownMax = 12
