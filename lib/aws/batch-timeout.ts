/** The time after which a batch counts as a straggler, and is tried once more on the same tier. */
import type { TaskDefinition } from '../define/definition.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import { greatest } from '../model/greatest.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { Tier } from './lambda-events.ts'
import { memoryMbPerCpu, rates, readsAhead, requestSeconds } from './tier.ts'

/** Time after the timeout of a function at which the state gives up a hung invocation. */
export const graceSeconds = 30

/** A batch that takes so many times its estimate is not merely on a slow machine. */
const patience = 6
/** Time for a cold start and for requests that S3 refuses at first. */
const leastSeconds = 90
/** Assumed ratio for text that may be compressed, whose inflated size is unknown. */
const textPerByte = 5

/**
 * Returns the seconds after which any of these batches is given up on its first tier: by the estimate for the largest one, or the time of
 * the function where code of the user decides how long a batch takes.
 */
export function batchTimeout(
  items: readonly Pick<PlanItem, 'bytes' | 'sliceCount'>[],
  {
    task,
    tier,
    timeoutSeconds,
  }: {
    /** The task of the stage. The bytes of a stage after an exchange are those that the stage before has written. */
    readonly task: Pick<TaskDefinition, 'source' | 'transform' | 'output'> | undefined
    readonly tier: Tier
    readonly timeoutSeconds: number
  },
): number {
  const longest = timeoutSeconds + graceSeconds
  if (!task || runsUserCode(task)) return longest
  const cpus = Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu)
  const seconds = greatest(items, ({ bytes, sliceCount }) => {
    const converting = (bytes * textPerByte) / (rates.engine * cpus)
    return converting + (sliceCount * requestSeconds) / (readsAhead * tier.threads)
  })
  return Math.min(longest, Math.ceil(leastSeconds + patience * seconds))
}

const mapSteps: readonly string[] = ['mapRows', 'mapBatches']
const ownSources: readonly string[] = ['zipMembers', 'files', 'partitionsOf', 'deltaTable', 'exchange']

/** Rows, steps and outputs of the user's code may wait for something else, however few bytes they have. */
function runsUserCode({ source, transform, output }: Pick<TaskDefinition, 'source' | 'transform' | 'output'>): boolean {
  const isMapped = transform.some(step => typeof step === 'object' && mapSteps.includes(step.kind))
  return isMapped || !ownSources.includes(source.kind) || !outputKind(output).isTimedByBytes
}
