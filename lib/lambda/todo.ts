/** Which batches the Map is to process, as a file that it reads. */
import type { PlannedRun } from '../aws/lambda-events.ts'
import { readOutcomes } from '../commit/commit-check.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { ReservedRun } from '../runs/reserve.ts'
import { runKeys, stateBytes } from '../state/state.ts'
import { type LambdaSession, shortName } from './session.ts'

/** The whole plan; with `isResumed` only what has no outcome yet. */
export async function todoOf(
  lambda: LambdaSession,
  run: ReservedRun,
  plan: readonly PlanItem[],
  isResumed: boolean,
): Promise<Omit<PlannedRun, 'waits' | 'maxConcurrency' | 'losses'>> {
  const { output, settings } = lambda
  const keys = runKeys(run.runId, run.attempt)
  const done = new Set((isResumed ? await readOutcomes(output, run, plan) : []).map(outcome => outcome.batch))
  const missing = plan.filter(item => !done.has(item.batch))
  // A Map needs an item; one that is done already costs a look at its outcome.
  const items = missing.length > 0 ? missing : plan.slice(0, 1)
  const key = items.length === plan.length ? keys.plan : keys.todo(shortName(items.map(item => item.batch).join(' ')))
  if (key !== keys.plan) await output.write(key, stateBytes(items))
  const place = settings.output.kind === 's3' ? settings.output : { bucket: '', prefix: '' }
  return {
    task: run.task,
    run: { runId: run.runId, attempt: run.attempt },
    bucket: place.bucket,
    planKey: `${place.prefix}${key}`,
  }
}
