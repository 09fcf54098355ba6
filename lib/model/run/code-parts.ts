/** Hashes the pieces of a task's definition, so that a changed one can be named. Whether code changed, the code hash decides. */
import { createHash } from 'node:crypto'
import type { TaskDefinition } from '../../define/definition.ts'

/** Returns a short hash of each piece, by the name that messages have for it. */
export function codePartsOf(task: TaskDefinition, others: Readonly<Record<string, string>> = {}): CodeParts {
  const { source, columns, where, checks, transform, output, setup, version, tables } = task
  // Rows do not depend on the other options.
  const { strict, onNewColumn, onMissingColumn, onEmpty, provenance } = task
  const options = { strict, onNewColumn, onMissingColumn, onEmpty, provenance }
  const pieces = { source, columns, where, checks, output, setup, version, tables, options }
  const steps = transform.map((step, index) => [`transform step ${index + 1}`, step] as const)
  const all = [...Object.entries(pieces), ...steps].filter(([, piece]) => piece !== undefined)
  return { ...Object.fromEntries(all.map(([name, piece]) => [name, hashOf(piece)])), ...others }
}

/** Hashes by the name of the piece. */
export type CodeParts = Readonly<Record<string, string>>

/** Returns the names of the pieces that differ, in the order of the newer definition. */
export function changedParts(before: CodeParts, now: CodeParts): readonly string[] {
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])]
  return names.filter(name => before[name] !== now[name])
}

/** Functions count by their text. */
function hashOf(piece: unknown): string {
  const text = JSON.stringify(piece, (_name, value) =>
    typeof value === 'function' ? String(value) : typeof value === 'bigint' ? `${value}n` : value,
  )
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
