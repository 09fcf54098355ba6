/** Finds out what reserving a run would decide, without changing anything. */
import { firstHead, headKey } from '../commit/head.ts'
import { currentOf } from '../commit/output-commit.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { RunReason } from '../model/run/reason.ts'
import { actorOf, readState } from '../state/files.ts'
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

/**
 * Reads the head and the manifest of the output, and for the reasons the record of its last run. Without a head, as beside a dataset
 * that was copied alone, `_SUCCESS` says everything, as it does for the run that then creates the head. @throws as `findDesiredRun`
 */
export async function lookAhead(store: Store, request: ReserveRequest): Promise<Outlook> {
  const { outputPath, outputKind, mode } = request
  const head = (await readState(store, headKey(outputPath), readHeadFile)) ?? (await firstHead(store, outputPath))
  if (head.committing) return { status: 'unsettled' }
  const current = await currentOf(actorOf(store, request), head, { outputPath, outputKind, mode })
  const desired = await findDesiredRun(store, request, current)
  if (desired.isComplete && current.manifest)
    return { status: 'complete', runId: desired.runId, manifest: current.manifest }
  const { runId } = desired
  return { status: 'new', runId, reasons: await whyRun(store, request, { current, desired }) }
}
