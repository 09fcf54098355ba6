/** Finds out what reserving a run would decide, without changing anything. */
import { headKey, readCurrent, readSuccess } from '../commit/head.ts'
import type { Manifest } from '../model/manifest.ts'
import type { RunReason } from '../model/run-reason.ts'
import { readState } from '../state/files.ts'
import { readHeadFile } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { findDesiredRun } from './desired-run.ts'
import type { ReserveRequest } from './reserve-request.ts'
import { whyRun } from './why-run.ts'

/**
 * `complete`: there is nothing to do. `new`: a run is necessary, for these reasons. `unsettled`: a commit is under way or was
 * interrupted, so that only reserving can tell.
 */
export type Outlook =
  | { readonly status: 'complete'; readonly runId: string; readonly manifest: Manifest }
  | { readonly status: 'new'; readonly runId: string; readonly reasons: readonly RunReason[] }
  | { readonly status: 'unsettled' }

/** Reads the head and the manifest of the output, and for the reasons the record of its last run. @throws as `findDesiredRun` */
export async function lookAhead(store: Store, request: ReserveRequest): Promise<Outlook> {
  const head = await readState(store, headKey(request.outputPath), readHeadFile)
  if (head?.committing || (!head && (await readSuccess(store, request.outputPath)))) return { status: 'unsettled' }
  const current = head ? await readCurrent(store, head) : { hasSuccess: false }
  const desired = await findDesiredRun(store, request, current)
  if (desired.isComplete && current.manifest)
    return { status: 'complete', runId: desired.runId, manifest: current.manifest }
  const { runId } = desired
  return { status: 'new', runId, reasons: await whyRun(store, request, { current, desired }) }
}
