/** Binds a run to the code that planned it: functions with other code, deployed later or shipped, neither process its batches nor commit it. */
import { PermanentError, TransientError } from '../errors/errors.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'

export interface WorkingCode {
  /** Hash of the running code, from `rowCodeOf`. */
  readonly codeHash: string
  /** Hash of the shipped code that runs; absent for deployed code. */
  readonly shipped: string | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

/** @throws RUN_CHANGED, transient in the run's first ten minutes, when a deployment may have reached one function but not yet the other */
export function checkCode(run: RunFrame, { codeHash, shipped, now }: WorkingCode): void {
  const { runId, attempt, task, codeHash: planned, reservedAt } = run
  if (codeHash === planned && shipped === run.shipped) return
  const detail = { runId, attempt, changes: ['code'] }
  const what = `run ${runId}, attempt ${attempt}, was planned by other code of task ${task}`
  const hint = `start again: fanmill start ${task}`
  if (shipped !== run.shipped) {
    const message = `run ${runId}, attempt ${attempt}, was planned by ${codeNamed(run.shipped)} of task ${task}, got ${codeNamed(shipped)}; ${hint}`
    throw new PermanentError('RUN_CHANGED', message, detail)
  }
  if (now - Date.parse(reservedAt) < deploymentMs) {
    const message = `${what}; a deployment may be under way: it is retried for some minutes; if it still fails, ${hint}`
    throw new TransientError('RUN_CHANGED', message, detail)
  }
  throw new PermanentError('RUN_CHANGED', `${what}, before a deployment; ${hint}`, detail)
}

const codeNamed = (shipped: string | undefined): string =>
  shipped === undefined ? 'the deployed code' : `the shipped code ${shipped.slice(0, 12)}`

/** CloudFormation changes one function after another, and may wait for other resources in between. */
const deploymentMs = 10 * 60_000
