/** Finds the paths and the root that a source reads. */
import type { Source } from './definition.ts'

/** Returns the path templates that a source reads under the input root; none when its rows come from elsewhere. */
export const sourcePaths = (source: Source): readonly string[] => ('paths' in source ? [source.paths] : [])

/** Returns the root of a source's inputs: the rows of another task are read where it wrote them. */
export const sourceRoot = ({ kind }: Source): 'input' | 'output' => (kind === 'partitionsOf' ? 'output' : 'input')

/** Returns the parameters that a task has by what it reads. */
export const sourceParams = (source: Source) => (source.kind === 'partitionsOf' ? source.of.params : {})
