/** A run is of one code: functions that were deployed after it was planned neither do its batches nor commit it. */
import { PermanentError, TransientError } from '../errors/errors.ts'
import type { RunFrame } from '../runs/reservation-file.ts'

export interface WorkingCode {
  /** Of who is at work, as `rowCodeOf` gives it. */
  readonly codeHash: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** @throws RUN_CHANGED, transient in the run's first ten minutes, in which a deployment may have reached one function and not yet the other */
export function checkCode(run: RunFrame, { codeHash, now }: WorkingCode): void {
  const { runId, attempt, task, codeHash: planned, reservedAt } = run
  if (codeHash === planned) return
  const detail = { runId, attempt, changes: ['code'] }
  const what = `run ${runId}, attempt ${attempt}, was planned by other code of task ${task}`
  const mend = `start again: fanmill start ${task}`
  if (now - Date.parse(reservedAt) < deploymentMs) {
    const message = `${what}; a deployment may be under way: it is tried again for some minutes; when that fails, ${mend}`
    throw new TransientError('RUN_CHANGED', message, detail)
  }
  throw new PermanentError('RUN_CHANGED', `${what}, before a deployment; ${mend}`, detail)
}

/** CloudFormation changes one function after another, and may wait for other resources in between. */
const deploymentMs = 10 * 60_000
