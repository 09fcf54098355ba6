/** Estimates the number and bytes of the parts of a plan, before anything is read. */

import type { TaskDefinition } from '../../define/definition.ts'
import { formatKind, textPerParquet } from '../../define/formats/format-kind.ts'
import { layoutOf, outputKind } from '../../define/outputs/output-kind.ts'
import type { Slice } from '../../model/plan-data.ts'
import { splitShares } from './plan-slices.ts'

export interface ExpectedParts {
  readonly count: number
  /** Bytes of all parts. */
  readonly bytes: number
}

export interface PartsOptions {
  /** Threads of each batch. */
  readonly threads: number
  /** Bytes of text that one writer takes at once. */
  readonly groupBytes: number
}

/** Parts below this size are joined; readers spend more time opening such files than reading them. */
export const smallPartBytes = 8 * 1024 * 1024

/** Returns the bytes of input for one byte of Parquet. */
export const shrinkage = ({ source }: Pick<TaskDefinition, 'source'>): number =>
  textPerParquet / (source.format ? formatKind(source.format).textPerByte : 1)

/** Counts parts as process writes them: one for each group of each thread, small ones of a batch joined, large ones split. A partitioned output has at most as many for each partition. */
export function expectedParts(
  task: Pick<TaskDefinition, 'output' | 'source'>,
  batches: readonly (readonly Slice[])[],
  { threads, groupBytes }: PartsOptions,
): ExpectedParts {
  const layout = layoutOf(task.output)
  if (!layout || outputKind(task.output).adds !== 'parts') return { count: 0, bytes: 0 }
  const perByte = shrinkage(task)
  const count = batches.reduce((sum, slices) => {
    const groups = splitShares(slices, threads).flatMap(share => groupSizes(bytesOf(share), groupBytes))
    const small = groups.filter(bytes => bytes / perByte < smallPartBytes)
    const joined = Math.ceil(small.reduce((bytes, group) => bytes + group / perByte, 0) / layout.partBytes)
    const large = groups.filter(bytes => bytes / perByte >= smallPartBytes)
    const split = large.reduce((parts, bytes) => parts + Math.ceil(bytes / perByte / layout.partBytes), 0)
    return sum + split + Math.max(joined, small.length > 0 ? 1 : 0)
  }, 0)
  return { count, bytes: bytesOf(batches.flat()) / perByte }
}

function groupSizes(bytes: number, groupBytes: number): number[] {
  const count = Math.max(1, Math.ceil(bytes / groupBytes))
  return Array.from({ length: count }, () => bytes / count)
}

const bytesOf = (slices: readonly Slice[]): number => slices.reduce((sum, slice) => sum + slice.bytes, 0)
