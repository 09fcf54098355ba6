/** Joins small parts of one partition that the threads of a batch wrote apart, so that parts are not slices. */
import { partitionFolder } from '../core/partition-path.ts'
import type { SharePart } from '../core/share.ts'
import type { Workers } from '../core/worker-job.ts'
import { forEachParallel } from './state-files.ts'

/** Parts below this are small: a reader then spends more on opening files than on reading them. */
const smallPartBytes = 8 * 1024 * 1024

/** Every merge is settled before a failure leaves, and none begins after it. Parts in order of partition; no merged part is larger than `partBytes`. Rows are encoded once more, so large parts stay. */
export async function mergeSmall(
  parts: readonly SharePart[],
  target: string,
  { workers, partBytes }: { readonly workers: Workers; readonly partBytes: number },
): Promise<SharePart[]> {
  const groups = [...Map.groupBy(parts, part => partitionFolder(part.partition)).values()].flatMap(group =>
    bundles(group, partBytes),
  )
  const merged: SharePart[] = []
  await forEachParallel(
    groups,
    async (group, index) => {
      merged[index] = await joined(group, `${target}-merged${index}`, workers)
    },
    workers.threads,
  )
  return merged
}

/** Small parts together as far as `partBytes` goes, others alone. */
function bundles(parts: readonly SharePart[], partBytes: number): SharePart[][] {
  const alone = parts.filter(part => part.sizeBytes >= smallPartBytes || part.rows === 0)
  const bundled: SharePart[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const part of parts) {
    if (alone.includes(part)) continue
    if (bytes + part.sizeBytes > partBytes) {
      bundled.push([])
      bytes = 0
    }
    bundled.at(-1)?.push(part)
    bytes += part.sizeBytes
  }
  return [...alone.map(part => [part]), ...bundled]
}

async function joined(group: readonly SharePart[], target: string, workers: Workers): Promise<SharePart> {
  const [first, ...others] = group
  if (first === undefined || others.length === 0) return first as SharePart
  const merged = await workers.run<'merge'>({ kind: 'merge', files: group.map(part => part.file), target })
  return { ...merged, partition: first.partition }
}
