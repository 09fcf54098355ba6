/** Finds the paths, the root and the task that a source reads. */

import type { DeltaTableSource, PartitionsOfSource, Source, TaskDefinition } from '../definition.ts'
import type { ActionSource } from '../tasks/action-definition.ts'

/** Returns the sources of datasets that a source joins; the source itself where it joins none. */
export const sidesOf = (source: Source): readonly Source[] =>
  source.kind === 'joinOf' ? [source.left, source.right] : [source]

/** Returns the path templates that a source reads under the input root; none when its rows come from elsewhere. */
export const sourcePaths = (source: Source): readonly string[] => sidesOf(source).flatMap(pathsOf)

function pathsOf(source: Source): readonly string[] {
  const dataset = datasetAt(source)
  if (dataset?.root === 'input') return [`${dataset.path}/**`]
  if (source.kind === 'deltaTable') return [`${source.path}/**`]
  return 'paths' in source ? [source.paths] : []
}

/** Returns the dataset of another pipeline that a source reads; undefined when it reads none. */
const datasetAt = (source: Source): PartitionsOfSource['at'] => (source.kind === 'partitionsOf' ? source.at : undefined)

/** Returns the datasets of other pipelines that a source reads. */
export const datasetsAt = (source: Source): readonly NonNullable<PartitionsOfSource['at']>[] =>
  sidesOf(source).flatMap(side => datasetAt(side) ?? [])

/** Returns a source that reads parts with known columns and partitions, so that only some of them may be read; undefined for others. */
export const datasetSource = (source: Source): PartitionsOfSource | DeltaTableSource | undefined =>
  source.kind === 'partitionsOf' || source.kind === 'deltaTable' ? source : undefined

/** Returns the tasks whose rows a source reads. */
export const upstreamOf = (source: Source): readonly NonNullable<PartitionsOfSource['of']>[] =>
  sidesOf(source).flatMap(side => (side.kind === 'partitionsOf' && side.of ? [side.of] : []))

/** Whether a source that joins none reads the rows of a node that its task requires. */
export const readsNode = (source: Source, { task, name }: { readonly task: string; readonly name: string }): boolean =>
  source.kind === 'partitionsOf' && source.of?.name === task && (source.key === undefined || source.key === name)

/** Returns the tasks whose rows a task reads: by its source, and by its tables. */
export function readTasks({
  source,
  tables,
}: Pick<TaskDefinition, 'source' | 'tables'>): readonly NonNullable<PartitionsOfSource['of']>[] {
  return [...upstreamOf(source), ...Object.values(tables).flatMap(({ of }) => of ?? [])]
}

/** Returns what tells that the task of a source is done; undefined where the task reads rows, or has no target. */
export const targetOf = (source: Source): ActionSource['target'] => ('target' in source ? source.target : undefined)

/**
 * Returns the root of a source's inputs, or of its target: the rows of another task, or of the stage before, are read where they were
 * written. The sides of a join have a root each.
 */
export const sourceRoot = (source: Source): 'input' | 'output' =>
  targetOf(source)?.root ??
  datasetAt(source)?.root ??
  (upstreamOf(source).length > 0 || source.kind === 'exchange' ? 'output' : 'input')
