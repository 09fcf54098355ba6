/** Identifies the runs of a dataset, which enter the runs that read or require it. */
import { createHash } from 'node:crypto'
import type { ManifestPart, ManifestRun } from '../model/manifest.ts'
import { partitionFolder } from '../paths/partition-path.ts'

/** Returns the key of one run of a dataset as an input. */
export const runKeyOf = (outputPath: string, runId: string): string => `${outputPath}#${runId}`

/** Returns run and attempt; for a run of which a later one has replaced partitions, also a hash of those that it still holds. */
export function runIdentityOf({ runId, attempt, isReplaced }: ManifestRun, parts: readonly ManifestPart[]): string {
  const name = `${runId}/${attempt}`
  if (!isReplaced) return name
  const held = parts.filter(part => part.runId === runId).map(({ partition = {} }) => partitionFolder(partition))
  const hash = createHash('sha256').update(JSON.stringify([...new Set(held)].sort()))
  return `${name}/${hash.digest('hex').slice(0, 16)}`
}
