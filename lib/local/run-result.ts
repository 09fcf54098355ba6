/** Types of the result of `run`. */
import type { FanmillError } from '../errors/errors.ts'
import type { RunStatus, TaskResult } from '../model/events.ts'

export interface RunResult {
  /** `skipped` when every task was complete already. */
  readonly status: RunStatus
  /** One for each task, in order; those that read the rows of a failed one have the status `notRun`. */
  readonly tasks: readonly TaskResult[]
  /** Why the run failed; undefined unless it did. */
  readonly error?: FanmillError
}
