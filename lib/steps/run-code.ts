/** A run is of one code: functions that were deployed after it was planned neither do its batches nor commit it. */
import { PermanentError } from '../core/errors.ts'
import type { RunFrame } from './reserve.ts'

/** @param codeHash of who is at work, as `rowCodeOf` gives it. @throws RUN_CHANGED */
export function checkCode({ runId, attempt, task, codeHash: planned }: RunFrame, codeHash: string): void {
  if (codeHash === planned) return
  const message = `run ${runId}, attempt ${attempt}, was planned by other code of task ${task}, before a deployment; start again: fanmill start ${task}`
  throw new PermanentError('RUN_CHANGED', message, { runId, attempt, changes: ['code'] })
}
