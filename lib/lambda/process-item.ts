/** Process on Lambda: one batch over the threads of its tier, which stops before the time is up. */

import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import type { ProcessEvent } from '../aws/lambda-events.ts'
import { checkCode } from '../commit/run-code.ts'
import { CapacityError, FanmillError, toPlain } from '../errors/errors.ts'
import type { Outcome } from '../model/outcome.ts'
import { rowCodeOf } from '../model/run-identity.ts'
import { createGate } from '../process/gate.ts'
import { noteFailure, processBatch } from '../process/process.ts'
import { type KeptReservation, readReservation } from '../runs/reservation-file.ts'
import { renewWhenDue } from '../runs/run-lease.ts'
import { planItemSchema } from '../state/state.ts'
import { batchTools } from '../threads/task-workers.ts'
import type { Invocation } from './handler.ts'
import { executionOwner, runLeaseMs } from './session.ts'
import { logger, measure, peakMemoryMb } from './telemetry.ts'
import { coolThreads, warmThreads } from './warm-threads.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
export const runNameSchema = v.object({ runId: v.string(), attempt: count })

export const processEventSchema: v.GenericSchema<unknown, ProcessEvent> = v.object({
  task: v.string(),
  execution: v.string(),
  run: runNameSchema,
  item: planItemSchema,
  tier: count,
})

/** Small: what a batch made is in its outcome. */
export interface ProcessAnswer {
  readonly batch: number
  readonly parts: number
  readonly rows: number
  readonly rejects: number
  readonly seconds: number
  readonly peakMemoryMb: number
}

/** Notes what fails for `status` and for commit's message, and throws it. @throws as `processBatch`; RUN_CHANGED, OUT_OF_TIME */
export async function processItem(event: ProcessEvent, invocation: Invocation): Promise<ProcessAnswer> {
  const { run: name, item, tier, task } = event
  const { output, codeHashes, patience } = invocation.lambda
  patience.untilMs = Date.now() + invocation.deadline.leftMs() - settleMs
  logger.appendKeys({ run: name.runId, attempt: name.attempt, batch: item.batch, tier })
  const kept = await readReservation(output, name)
  const now = (): number => Date.now()
  await renewWhenDue(output, name, { owner: executionOwner(event.execution), now, leaseMs: runLeaseMs })
  try {
    checkCode(kept.run, { codeHash: rowCodeOf(codeHashes[kept.run.task], kept.tables), now: now() })
    const token = randomUUID().slice(0, 13)
    const outcome = await processInTime({ event, kept, token }, invocation)
    // Another try of this batch has measured its own.
    if (outcome.token === token) measureOutcome(task, outcome)
    // Threads that were stopped would refuse the next batch.
    if (invocation.deadline.signal.aborted) await coolThreads()
    return answerOf(outcome)
  } catch (error) {
    const fault = endOf(error, invocation)
    // Deliberately only logged: what made the batch fail says more than that the note of it cannot be written.
    await noteFailure(kept.run, item, fault, { output, now }).catch(noted => logger.warn(toPlain(noted).message))
    await coolThreads()
    throw fault
  }
}

/** Before the deadline, so that S3 is the reason that is given, and the batch is tried again and not taken to the next tier. */
const settleMs = 5000

interface Try {
  readonly event: ProcessEvent
  readonly kept: KeptReservation
  readonly token: string
}

async function processInTime(
  { event: { item }, kept, token }: Try,
  { lambda, deadline }: Invocation,
): Promise<Outcome> {
  const { input, output } = lambda
  const { task, workers, stageFolder, partFolder, groupBytes, tidy } = await warmThreads(lambda, kept)
  const { signal } = deadline
  const stop = (): void => workers.stop()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const machine = { task, input, output, workers, stageFolder, partFolder, groupBytes }
    return await processBatch(kept.run, item, batchTools({ ...machine, gate: createGate(), token, signal }))
  } finally {
    signal.removeEventListener('abort', stop)
    await tidy()
  }
}

function measureOutcome(task: string, outcome: Outcome): void {
  const { rowsWritten: rows, bytesInflated: bytes, rowsRejected: rejects, seconds } = outcome
  measure({ task, rows, bytes, rejects, seconds })
}

/** Whatever failed once the time was up failed for that. */
function endOf(error: unknown, { deadline }: Invocation): Error {
  const { signal } = deadline
  if (signal.aborted && signal.reason instanceof CapacityError) return signal.reason
  if (error instanceof FanmillError) return error
  return new FanmillError('ENGINE_FAILED', toPlain(error).message, {}, { cause: error })
}

function answerOf({ batch, parts, files = [], rowsWritten, rowsRejected, seconds }: Outcome): ProcessAnswer {
  const answer = {
    batch,
    parts: parts.length + files.length,
    rows: rowsWritten,
    rejects: rowsRejected,
    seconds,
    peakMemoryMb: peakMemoryMb(),
  }
  logger.info('processed', { ...answer })
  return answer
}
