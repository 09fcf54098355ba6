/** Writes the file of the batches that the Map processes. */
import { batchTimeout } from '../aws/batch-timeout.ts'
import type { PlannedRun } from '../aws/lambda-events.ts'
import { readOutcomes } from '../commit/commit-check.ts'
import { stagesOf } from '../define/tasks/task-stages.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import { runKeys, stateBytes } from '../state/state.ts'
import { bucketOf, type LambdaSession, shortName } from './session.ts'

/** Returns the batches of a plan that have no outcome. */
export async function withoutOutcome(
  { output }: Pick<LambdaSession, 'output'>,
  run: ReservedRun,
  plan: readonly PlanItem[],
): Promise<readonly PlanItem[]> {
  const outcomes = await readOutcomes(output, { ...run, stage: plan[0]?.stage }, plan)
  const done = new Set(outcomes.map(({ batch }) => batch))
  return plan.filter(item => !done.has(item.batch))
}

/** Writes the missing batches of a plan, unless that is the whole plan, whose file is there. */
export async function writeMapItems(
  lambda: LambdaSession,
  run: ReservedRun,
  plan: readonly PlanItem[],
  missing: readonly PlanItem[],
): Promise<Omit<PlannedRun, 'waits' | 'maxConcurrency' | 'losses'>> {
  const { output, settings, pipeline } = lambda
  const stage = plan[0]?.stage
  const keys = runKeys(run, stage)
  // A Map needs at least one item; a batch that is done already costs one request for its outcome.
  const items = missing.length > 0 ? missing : plan.slice(0, 1)
  const key = items.length === plan.length ? keys.plan : keys.todo(shortName(items.map(item => item.batch).join(' ')))
  if (key !== keys.plan) await output.write(key, stateBytes(items))
  const task = pipeline.tasks.find(({ name }) => name === run.task)
  const { bucket, prefix } = bucketOf(lambda)
  return {
    task: run.task,
    run: { runId: run.runId, attempt: run.attempt, ...(stage === undefined ? {} : { stage }) },
    bucket,
    planKey: `${prefix}${key}`,
    timeoutSeconds: batchTimeout(items, {
      ...{ task: task && stagesOf(task)[stage ?? 0], tier: settings.tiers[0] },
      timeoutSeconds: settings.timeoutSeconds,
    }),
  }
}
