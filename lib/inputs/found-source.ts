/** A kind of source: how it is found, and what it finds. */
import type { FanmillError } from '../errors/errors.ts'
import type { FindOptions, FoundObjects } from './find-options.ts'

export interface SourceKind {
  /** Finds the inputs, pins them, and prepares to cut them. @throws INPUT_*, ZIP_* */
  find(options: FindOptions): Promise<FoundSource>
}

export interface FoundSource {
  readonly found: FoundObjects
  /** Creates the error of a run that finds nothing to read. */
  noInputError(): Promise<FanmillError>
}
