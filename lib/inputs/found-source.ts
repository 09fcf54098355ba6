/** The inputs that a source has found. */
import type { FanmillError } from '../errors/errors.ts'
import type { FindOptions, FoundObjects } from './find-options.ts'

export interface FoundSource {
  readonly found: FoundObjects
  /** Creates the error of a run that finds nothing to read. */
  noInputError(): Promise<FanmillError>
}

/** Finds the inputs of a source, pins them, and prepares to cut them. @throws INPUT_*, ZIP_* */
export type FindSource<S> = (source: S, options: FindOptions) => Promise<FoundSource>
