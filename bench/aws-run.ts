/** Runs the benchmark's task on LocalStack, with the calls of the state machine. */
import type { CommitAnswer, PlanAnswer, PlannedRun } from '../lib/aws/lambda-events.ts'
import type { PlanItem } from '../lib/model/plan-data.ts'
import { noWaits } from '../lib/model/waits.ts'
import type { AwsStack } from './aws-stack.ts'

export interface AwsRun extends PlannedRun {
  readonly task: string
  readonly items: readonly PlanItem[]
}

/** Answer of Process. */
export interface Processed {
  readonly parts: number
  /** Time of the batch itself. */
  readonly seconds: number
  readonly peakMemoryMb: number
}

const execution = 'bench'
/** The data that the state machine carries from call to call. */
const frame = { waits: noWaits(1), maxConcurrency: 1 }

/** Plans a run. @throws Error when there is nothing to process */
export async function planOn(stack: AwsStack, task = 'many'): Promise<AwsRun> {
  const answer = await stack.invoke<PlanAnswer>('plan', { task, execution, event: { task }, ...frame })
  if (answer.status !== 'planned') throw new Error(`expected a planned run, got ${answer.status}`)
  return { ...answer, task, items: JSON.parse(await stack.readOutput(answer.planKey)) }
}

export const processOn = (stack: AwsStack, { task, run }: AwsRun, item: PlanItem): Promise<Processed> =>
  stack.invoke('process', { task, execution, run, item, tier: 0 })

export const commitOn = (stack: AwsStack, { task, run }: AwsRun): Promise<CommitAnswer> =>
  stack.invoke('commit', { task, execution, run, losses: 0, ...frame })
