/** Identifies the runs of a dataset, which enter the runs that read or require it. */
import type { ManifestInput, ManifestPart, ManifestRun } from '../../model/outcome/manifest.ts'
import { shortHash } from '../../model/run/identity.ts'
import { partitionFolder } from '../../paths/partition-path.ts'

/** Returns the key of one run of a dataset as an input. */
export const runKeyOf = (outputPath: string, runId: string): string => `${outputPath}#${runId}`

/** Returns the dataset of which an input is one run; undefined for files and other inputs. */
export function datasetOfRun({ key, identity }: Pick<ManifestInput, 'key' | 'identity'>): string | undefined {
  const at = key.lastIndexOf('#')
  return at >= 0 && identity.split('/', 1)[0] === key.slice(at + 1) ? key.slice(0, at) : undefined
}

/** Returns run and attempt; for a run of which a later one has replaced partitions, also a hash of those that it still holds. */
export function runIdentityOf({ runId, attempt, isReplaced }: ManifestRun, parts: readonly ManifestPart[]): string {
  const name = `${runId}/${attempt}`
  if (!isReplaced) return name
  const held = parts.filter(part => part.runId === runId).map(({ partition = {} }) => partitionFolder(partition))
  return `${name}/${shortHash(JSON.stringify([...new Set(held)].sort()))}`
}
