/** A deployed pipeline: found by the outputs of its stack, with its state machine and its state. */

import { choosePipeline, type DeployedPipeline, pipelinesIn } from '../aws/stack-outputs.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import { executionIn } from '../model/run/owner.ts'
import { listRuns, type RunClock, type RunSummary } from '../runs/runs.ts'
import type { Owner } from '../state/state.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { type RootAccess, rootSpec } from '../store/roots.ts'
import type { Store } from '../store/store.ts'
import { isAlive } from '../threads/pool/machine.ts'
import { type AwsControl, openControl } from './aws-control.ts'
import { isActive } from './operations-by-status.ts'

/** The stack of a pipeline, and how to reach AWS. */
export interface DeployedOptions extends Pick<RootAccess, 'profile' | 'region'> {
  /** Name of the CloudFormation stack. */
  readonly stack: string
  /** Name of the pipeline, when the stack has several. */
  readonly pipeline?: string | undefined
}

export interface Deployed extends DeployedPipeline {
  readonly control: AwsControl
  readonly outputSpec: StoreSpec
  readonly store: Store
  readonly clock: RunClock
}

/** Finds a pipeline in the outputs of its stack. @throws STACK_UNKNOWN; USAGE when it has several; AWS_REFUSED */
export async function findPipeline(
  options: DeployedOptions,
  control = openControl(options),
): Promise<DeployedPipeline> {
  const { stack, pipeline } = options
  const outputs = await control.stackOutputs(stack)
  if (!outputs) throw await unknownStack(control, stack)
  return choosePipeline(stack, pipelinesIn(stack, outputs), pipeline)
}

/** Finds a pipeline and opens its state. @throws as `findPipeline` */
export async function openDeployed(options: DeployedOptions): Promise<Deployed> {
  const control = openControl(options)
  const pipeline = await findPipeline(options, control)
  const { profile, region } = options
  const outputSpec = rootSpec(pipeline.output, { profile, region })
  const store = openStore(outputSpec)
  return { ...pipeline, control, outputSpec, store, clock: makeClock(control, store) }
}

/** Returns every attempt of every run of the pipeline, or the `limit` latest; the latest start comes first. @throws as `findPipeline` */
export async function deployedRuns(options: DeployedOptions, limit?: number): Promise<RunSummary[]> {
  const { store, clock } = await openDeployed(options)
  return listRuns(store, clock, limit)
}

/** Tells whether an owner is an execution, and not a process of a laptop. */
export const isExecution = ({ host, id }: Owner): boolean => host === 'aws' && id.startsWith('arn:')

async function unknownStack(control: AwsControl, stack: string): Promise<PermanentError> {
  // Deliberately without its errors: the stack is known to be missing, and a user who may not list stacks gets no hint.
  const names = await control.stackNames().catch((): string[] => [])
  const near = nearest(stack, names)
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : 'check its name, the account (--profile) and the region (--region)'
  return new PermanentError('STACK_UNKNOWN', `there is no stack ${stack}; ${hint}`, { stack, near })
}

/** An execution that has ended holds nothing, whatever its lease says. Each execution is looked up once. */
function makeClock(control: AwsControl, store: Store): RunClock {
  const known = new Map<string, Promise<boolean | undefined>>()
  return {
    now: () => store.now(),
    isAlive(owner) {
      if (!isExecution(owner)) return isAlive(owner)
      const arn = executionIn(owner.id)
      const answer = known.get(arn) ?? control.describe(arn).then(isActive)
      known.set(arn, answer)
      return answer
    },
  }
}
