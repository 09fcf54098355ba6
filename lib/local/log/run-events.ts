/** Events that tell how a run begins, and the error for one that another process works on. */
import { PermanentError } from '../../errors/errors.ts'
import type { FoundInputs } from '../../inputs/find-options.ts'
import type { RunEvent } from '../../model/events.ts'
import type { PlanItem } from '../../model/plan-data.ts'
import type { NodeName } from '../../model/run/node-name.ts'
import type { ReservedRun } from '../../model/run/reserved-run.ts'
import type { BusyRun } from '../../runs/reserve.ts'

type RunStart = Pick<ReservedRun, 'runId' | 'attempt' | 'inputs' | 'reasons'>

/** Returns the events `start` and `plan` of a run. */
export function planEvents(
  name: NodeName,
  { run, plan }: { readonly run: RunStart; readonly plan: readonly PlanItem[] },
  { found, output }: { readonly found: Pick<FoundInputs, 'memberCount' | 'bytesIn'>; readonly output: string },
): readonly RunEvent[] {
  const common = { ...name, runId: run.runId }
  const counts = {
    inputs: run.inputs.length,
    members: found.memberCount,
    slices: plan.reduce((sum, item) => sum + item.sliceCount, 0),
    batches: plan.length,
    bytes: plan.reduce((sum, item) => sum + item.bytes, 0),
    bytesIn: found.bytesIn,
  }
  return [
    { event: 'start', ...common, attempt: run.attempt, output, ...(run.reasons && { reasons: run.reasons }) },
    { event: 'plan', ...common, ...counts },
  ]
}

/** The error for a run of a process that is alive. */
export function activeElsewhere({ runId, owner }: BusyRun): PermanentError {
  const { pid, host, startedAt } = owner
  const who = `${pid === undefined ? 'a process' : `process ${pid}`} on ${host} since ${startedAt}`
  const message = `run ${runId} is being worked on by ${who}; wait for its end: fanmill status ${runId}`
  return new PermanentError('RUN_ACTIVE', message, { runId, owner })
}
