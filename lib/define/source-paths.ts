/** The path templates that a source reads under the input root. */
import type { Source } from './definition.ts'

/** Returns no template for a source that reads no objects. */
export const sourcePaths = (source: Source): readonly string[] => (source.kind === 'rowsFrom' ? [] : [source.paths])
