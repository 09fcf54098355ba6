/** Binds a run to the code that planned it: functions that were deployed later neither process its batches nor commit it. */
import { PermanentError, TransientError } from '../errors/errors.ts'
import type { RunFrame } from '../model/reserved-run.ts'

export interface WorkingCode {
  /** Hash of the running code, from `rowCodeOf`. */
  readonly codeHash: string
  /** Milliseconds since 1970. */
  readonly now: number
}

/** @throws RUN_CHANGED, transient in the run's first ten minutes, when a deployment may have reached one function but not yet the other */
export function checkCode(run: RunFrame, { codeHash, now }: WorkingCode): void {
  const { runId, attempt, task, codeHash: planned, reservedAt } = run
  if (codeHash === planned) return
  const detail = { runId, attempt, changes: ['code'] }
  const what = `run ${runId}, attempt ${attempt}, was planned by other code of task ${task}`
  const hint = `start again: fanmill start ${task}`
  if (now - Date.parse(reservedAt) < deploymentMs) {
    const message = `${what}; a deployment may be under way: it is retried for some minutes; if it still fails, ${hint}`
    throw new TransientError('RUN_CHANGED', message, detail)
  }
  throw new PermanentError('RUN_CHANGED', `${what}, before a deployment; ${hint}`, detail)
}

/** CloudFormation changes one function after another, and may wait for other resources in between. */
const deploymentMs = 10 * 60_000
