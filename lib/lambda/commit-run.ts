/** Commit on Lambda: makes a run's parts visible, or completes an interrupted commit; stops between two changes when the time is short. */
import type { CommitAnswer } from '../aws/lambda-events.ts'
import { batchLimits } from '../aws/tier.ts'
import { countLosses } from '../commit/lost-parts.ts'
import { settleHead, yieldClaim } from '../commit/settle-head.ts'
import { boundedText } from '../errors/bounded-text.ts'
import { type ErrorCode, FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import { hasCode } from '../errors/expected.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import { rowCodeOf } from '../model/run/identity.ts'
import { afterProgress, growingMs, nextWait } from '../model/waits.ts'
import { commitTask } from '../process/task-runner.ts'
import { type KeptReservation, readReservation, withInputs } from '../runs/reservation-file.ts'
import { endRun, renewWhenDue } from '../runs/run-lease.ts'
import { leaveTurn } from '../runs/turn.ts'
import { type ActorOptions, actorOf, readState } from '../state/files.ts'
import { readPlan, runKeys } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { engineServices } from '../threads/engine-services.ts'
import type { CommitEvent, CommitRunEvent } from './events.ts'
import type { Invocation } from './handler.ts'
import { writeMapItems } from './map-items.ts'
import { executionOwner, type LambdaSession, runLeaseMs } from './session.ts'
import { logger } from './telemetry.ts'

/** @throws the permanent errors of `commit`, such as BATCHES_FAILED and RUN_CHANGED */
export async function commitRun(event: CommitEvent, invocation: Invocation): Promise<CommitAnswer> {
  const { lambda } = invocation
  const { output } = lambda
  const options = actorOptions(event, invocation)
  if ('outputPath' in event) return settleOutput(event.outputPath, invocation, options)
  logger.appendKeys({ run: event.run.runId, attempt: event.run.attempt })
  const kept = await readReservation(output, event.run)
  await renewWhenDue(output, event.run, { ...options, owner: executionOwner(event.execution), leaseMs: runLeaseMs })
  const { outputPath } = kept.run
  if (event.fault) throw await endFailedCall(kept, event, invocation)
  try {
    return await inTime(outputPath, invocation, options, () => commitReserved(kept, { event, lambda, options }))
  } catch (error) {
    const firstMs = error instanceof TransientError ? firstWaitMs[error.code] : undefined
    if (firstMs === undefined) throw error
    logger.info((error as TransientError).message)
    return waitOrContinue(event, { outputPath, firstMs, output })
  }
}

/** Ends the run of a call that failed, gives up its turn, and returns the error. */
async function endFailedCall(
  { run }: KeptReservation,
  { execution, fault = {} }: CommitRunEvent,
  { lambda: { output } }: Invocation,
): Promise<FanmillError> {
  const { Error: name = 'States.TaskFailed', Cause: cause = '' } = fault
  const why = `task ${run.task}: the service that it calls failed: ${name}: ${boundedText(cause, causeBytesMax)}`
  const error = new PermanentError('CALL_FAILED', why, { task: run.task })
  await endRun(output, run, { owner: executionOwner(execution), now: () => Date.now(), status: 'failed', error })
  await leaveTurn(output, { outputPath: run.outputPath, id: execution })
  return error
}

/** Services answer with the whole record of a job. */
const causeBytesMax = 1000

/** Completes an interrupted commit. While another process commits or does the same, Plan is called again later. */
async function settleOutput(outputPath: string, invocation: Invocation, options: ActorOptions): Promise<CommitAnswer> {
  try {
    return await inTime(outputPath, invocation, options, async () => {
      await settleHead(actorOf(invocation.lambda.output, options), outputPath)
      return { done: true }
    })
  } catch (error) {
    if (!hasCode(error, 'OUTPUT_LOCKED')) throw error
    logger.info(error.message)
    return { done: false }
  }
}

/** Transient errors that are answered with a wait instead of thrown: after the last retry of the state machine nothing would end the run and give up the turn. */
const firstWaitMs: Partial<Record<ErrorCode, number>> = { OUTPUT_LOCKED: 5000, RUN_CHANGED: 30_000 }

/** Lets the state machine wait instead of the function. Once the waits are used up, run and turn are given up for the execution that continues this one. */
async function waitOrContinue(
  { task, run, execution, waits, maxConcurrency, losses }: CommitRunEvent,
  { outputPath, firstMs, output }: { readonly outputPath: string; readonly firstMs: number; readonly output: Store },
): Promise<CommitAnswer> {
  const wait = nextWait(waits, growingMs(firstMs, waits.inRow))
  if (wait) return { done: false, task, run, maxConcurrency, losses, ...wait }
  logger.info('the waits of this execution are used up: another one continues it', { waits: waits.count })
  await endRun(output, run, { owner: executionOwner(execution), now: () => Date.now(), status: 'interrupted' })
  await leaveTurn(output, { outputPath, id: execution })
  return { done: true, continued: true }
}

/** The claim belongs to this invocation and outlives it only by seconds: another invocation of the same execution must not act beside it. */
function actorOptions({ execution }: CommitEvent, { context, deadline }: Invocation) {
  const guarded = (point: string): void => {
    if (point.endsWith(':before') && !point.startsWith('drop-claim') && deadline.leftMs() <= 0)
      throw new StopHere(point)
  }
  return {
    owner: executionOwner(`${execution}/${context.awsRequestId}`),
    now: () => Date.now(),
    leaseMs: Math.min(claimLeaseMs, deadline.remainingMs() + 5000),
    at: guarded,
    checkpoints: engineServices.checkpoints,
  }
}

/** Lease of the claim, which is renewed during the commit; after a crash the next commit waits for its end. */
const claimLeaseMs = 120_000

/** Deliberately no FanmillError, because nothing failed. */
class StopHere extends Error {}

async function inTime(
  outputPath: string,
  { lambda }: Invocation,
  options: ActorOptions,
  act: () => Promise<CommitAnswer>,
): Promise<CommitAnswer> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof StopHere)) throw error
    logger.info('the time is short: the next call continues the commit', { at: error.message })
    await yieldClaim(actorOf(lambda.output, { ...options, at: () => {} }), outputPath)
    return { done: false }
  }
}

interface CommitContext {
  readonly event: CommitRunEvent
  readonly lambda: LambdaSession
  readonly options: ActorOptions
}

async function commitReserved(kept: KeptReservation, { event, lambda, options }: CommitContext): Promise<CommitAnswer> {
  const { output, pipeline, settings, shipped } = lambda
  const run = await withInputs(output, kept.run)
  const { runId, attempt, outputPath } = run
  const plan = await readState(output, runKeys(run, event.run.stage).plan, readPlan)
  if (!plan)
    throw new PermanentError('RUN_UNKNOWN', `run ${runId}, attempt ${attempt}, has no plan; plan it first`, { runId })
  const ending = { ...options, owner: executionOwner(event.execution) }
  const turn = { outputPath, id: event.execution }
  try {
    const task = pipeline.tasks.find(each => each.name === run.task)
    const codeHash = rowCodeOf(lambda.codeHashes[run.task], kept.tables)
    const packing = batchLimits(task ?? { transform: [] }, settings.tiers[0], settings)
    const context = { ...options, pipeline: pipeline.name, task, codeHash, shipped, output }
    const result = await commitTask(context, run, { items: plan, packing })
    if (!result.done) {
      const losses = countLosses(event.losses, result, outputPath)
      const numbers = new Set(result.missing)
      const items = result.next ?? plan
      const missing = items.filter(({ batch }) => numbers.has(batch))
      const carried = { waits: afterProgress(event.waits), maxConcurrency: event.maxConcurrency, losses }
      return { done: false, missing: missing.length, ...carried, ...(await writeMapItems(lambda, run, items, missing)) }
    }
    await endRun(output, run, { ...ending, status: 'complete' })
    await leaveTurn(output, turn)
    logCommit(result.manifest, runId)
    return { done: true }
  } catch (error) {
    if (!(error instanceof FanmillError) || error instanceof TransientError) throw error
    // A run that was committed meanwhile read all inputs of this one: there is nothing left to do.
    const isCovered = error.code === 'SUPERSEDED' && error.detail.isCovered === true
    await endRun(output, run, { ...ending, status: isCovered ? 'superseded' : 'failed', error })
    await leaveTurn(output, turn)
    if (!isCovered) throw error
    logger.warn(error.message)
    return { done: true, supersededBy: String(error.detail.winner) }
  }
}

function logCommit(manifest: Manifest, runId: string): void {
  const run = manifest.runs.find(each => each.runId === runId)
  if (!run) return
  const { rows, bytes, rowsRejected: rejects, parts, members } = run.totals
  logger.info('committed', { generation: manifest.generation, rows, bytes, rejects, parts, members })
}
