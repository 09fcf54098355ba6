/** Finds the paths, the root and the task that a source reads. */
import type { PartitionsOfSource, Source } from './definition.ts'

/** Returns the path templates that a source reads under the input root; none when its rows come from elsewhere. */
export const sourcePaths = (source: Source): readonly string[] => ('paths' in source ? [source.paths] : [])

/** Returns the task whose rows a source reads; undefined when it reads none. */
export const upstreamOf = (source: Source): PartitionsOfSource['of'] | undefined =>
  source.kind === 'partitionsOf' ? source.of : undefined

/** Returns the root of a source's inputs: the rows of another task, or of the stage before, are read where they were written. */
export const sourceRoot = (source: Source): 'input' | 'output' =>
  upstreamOf(source) || source.kind === 'exchange' ? 'output' : 'input'
