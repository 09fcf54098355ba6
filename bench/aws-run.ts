/** Runs the benchmark's task on LocalStack, with the calls of the state machine. */
import type { CommitAnswer, PlanAnswer, PlannedRun } from '../lib/aws/lambda-events.ts'
import type { PlanItem } from '../lib/model/plan-data.ts'
import type { AwsStack } from './aws-stack.ts'

export interface AwsRun extends PlannedRun {
  readonly items: readonly PlanItem[]
}

/** Answer of Process. */
export interface Processed {
  readonly parts: number
  /** Time of the batch itself. */
  readonly seconds: number
  readonly peakMemoryMb: number
}

const own = { task: 'many', execution: 'bench' } as const

/** Plans a run. @throws Error when there is nothing to process */
export async function planOn(stack: AwsStack): Promise<AwsRun> {
  const answer = await stack.invoke<PlanAnswer>('plan', { ...own, event: { task: own.task } })
  if (answer.status !== 'planned') throw new Error(`expected a planned run, got ${answer.status}`)
  return { ...answer, items: JSON.parse(await stack.readOutput(answer.planKey)) }
}

export const processOn = (stack: AwsStack, { run }: AwsRun, item: PlanItem): Promise<Processed> =>
  stack.invoke('process', { ...own, run, item, tier: 0 })

export const commitOn = (stack: AwsStack, { run }: AwsRun): Promise<CommitAnswer> =>
  stack.invoke('commit', { ...own, run })
