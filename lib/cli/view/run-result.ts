/** Shows a run while it runs, and its result, on this machine or deployed. */

import type { RunResult } from '../../local/task-context.ts'
import type { EndEvent, RunEvent } from '../../model/events.ts'
import type { CommonOptions } from '../options.ts'
import { printJson } from '../output.ts'
import { errorFields, exitCodeOf, explain } from './failure.ts'
import { type RunView, runView } from './progress.ts'
import { printSummary, type SummaryOptions } from './summary.ts'

export interface ViewOptions extends CommonOptions {
  readonly quiet?: boolean
}

/** Creates a view with bars, messages or lines of JSON, as the flags say. */
export async function openView({ json = false, quiet = false }: ViewOptions): Promise<RunView> {
  if (!json) return runView({ quiet })
  const show = (event: RunEvent): void => {
    // The end is printed when everything else is done.
    if (event.event !== 'end') printJson(event)
  }
  return { show, stop: () => {} }
}

/** Shows the results of the tasks, and sets the exit code. */
export async function showResult(
  { status, tasks, error }: RunResult,
  { json = false, quiet = false, debug = false, ...summary }: ViewOptions & SummaryOptions,
): Promise<void> {
  if (!json && !quiet) printSummary(tasks, summary)
  if (error) await explain(error, { debug, isDeployed: summary.execution !== undefined })
  if (json) printJson({ event: 'end', status, tasks, ...(error && { error: errorFields(error) }) } satisfies EndEvent)
  if (status === 'failed') process.exitCode = exitCodeOf(error)
}
