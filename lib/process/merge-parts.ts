/** Brings parts near `partBytes`: joins small parts of one partition that different threads of a batch wrote, and splits large ones. */
import { vectorRows } from '../engine/write/writer-limits.ts'
import { smallPartBytes } from '../inputs/slices/expected-parts.ts'
import type { SharePart } from '../model/share.ts'
import type { Workers } from '../model/worker-job.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import { mapParallel } from '../state/files.ts'

/** A part that is only a little too large is not split, because splitting encodes its rows again. */
const toleratedTimes = 1.25
/** Smaller parts compress a little worse. */
const splitReserve = 1.1

export interface FitOptions {
  readonly workers: Workers
  readonly partBytes: number
  /** Joins only neighbours, so that the rows stay in their order; default false. */
  readonly isOrdered?: boolean
}

/** Returns parts in order of partition; no merged part is larger than `partBytes`. All merges are settled before a failure is thrown. */
export async function fitParts(
  parts: readonly SharePart[],
  target: string,
  { workers, partBytes, isOrdered = false }: FitOptions,
): Promise<SharePart[]> {
  const groups = [
    ...Map.groupBy(parts, part => `${part.bucket ?? ''}/${partitionFolder(part.partition)}`).values(),
  ].flatMap(group => (isOrdered ? bundlesInOrder : bundles)(group, partBytes))
  const fit = (group: readonly SharePart[], index: number) =>
    joinOrSplit(group, `${target}-merged${index}`, { workers, partBytes })
  const fitted = await mapParallel(groups, fit, workers.threads)
  return fitted.flat()
}

/** Groups small parts up to `partBytes`; each other part is a group of its own. */
function bundles(parts: readonly SharePart[], partBytes: number): SharePart[][] {
  const isAlone = (part: SharePart): boolean => part.sizeBytes >= smallPartBytes || part.rows === 0
  const others = parts.filter(part => !isAlone(part))
  return [...parts.filter(isAlone).map(part => [part]), ...bundlesInOrder(others, partBytes)]
}

/** Groups small parts between two large ones up to `partBytes`; each large part is a group of its own. */
function bundlesInOrder(parts: readonly SharePart[], partBytes: number): SharePart[][] {
  const withRows = parts.filter(part => part.rows > 0)
  const bundled: SharePart[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const part of withRows.length > 0 ? withRows : parts) {
    const isLarge = part.sizeBytes >= smallPartBytes
    if (isLarge || bytes + part.sizeBytes > partBytes) {
      bundled.push([])
      bytes = 0
    }
    bundled.at(-1)?.push(part)
    bytes = isLarge ? Number.POSITIVE_INFINITY : bytes + part.sizeBytes
  }
  return bundled
}

async function joinOrSplit(
  group: readonly SharePart[],
  target: string,
  { workers, partBytes }: { readonly workers: Workers; readonly partBytes: number },
): Promise<readonly SharePart[]> {
  const [first, ...others] = group
  if (first === undefined) return []
  const fileRows = others.length === 0 ? splitRows(first, partBytes) : undefined
  if (others.length === 0 && fileRows === undefined) return [first]
  const files = group.map(part => part.file)
  const made = await workers.run<'merge'>({ kind: 'merge', files, target, fileRows })
  return made.map(part => ({ ...part, partition: first.partition, bucket: first.bucket }))
}

/** Returns the rows of each of the equal parts that a part is split into, at least one vector; undefined where it is not split. */
function splitRows({ rows, sizeBytes }: SharePart, partBytes: number): number | undefined {
  if (sizeBytes <= toleratedTimes * partBytes) return undefined
  const count = Math.ceil((splitReserve * sizeBytes) / partBytes)
  const fileRows = Math.ceil(rows / count / vectorRows) * vectorRows
  return fileRows < rows ? fileRows : undefined
}
