/** Process on Lambda: processes one batch on the threads of its tier, and stops before the time is up. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { outputKind } from '../define/outputs/output-kind.ts'
import { sourceRoot } from '../define/sources/source-paths.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import { type SkippedMember, skippedLine } from '../model/outcome/skipped-member.ts'
import { rowCodeOf } from '../model/run/identity.ts'
import { createGate } from '../process/share/gate.ts'
import * as runner from '../process/task-runner.ts'
import type { ActingMachine } from '../programs/action-tools.ts'
import { type KeptReservation, readReservation } from '../runs/reservation-file.ts'
import { renewWhenDue } from '../runs/run-lease.ts'
import { batchTools } from '../threads/pool/task-workers.ts'
import type { SecretValues } from '../threads/secrets.ts'
import type { ProcessEvent } from './events.ts'
import type { Invocation } from './handler.ts'
import { executionOwner, type LambdaSession, runLeaseMs } from './session.ts'
import { logger, logMessage, measure, peakMemoryMb } from './telemetry.ts'
import { closeWarmThreads, openWarmThreads, type WarmTask } from './warm-threads.ts'

/** Writes a failure down for `status` and for the message of commit, and throws it. Returns a summary. @throws as `processBatch`; RUN_CHANGED, OUT_OF_TIME */
export async function processItem(event: ProcessEvent, invocation: Invocation) {
  const { run: name, item, tier, task } = event
  const { output, patience } = invocation.lambda
  patience.untilMs = Date.now() + invocation.deadline.leftMs() - settleMs
  logger.appendKeys({ run: name.runId, attempt: name.attempt, batch: item.batch, tier })
  const kept = await readReservation(output, name)
  await renewWhenDue(output, name, { owner: executionOwner(event.execution), now: Date.now, leaseMs: runLeaseMs })
  const token = randomUUID().slice(0, 13)
  try {
    const outcome = await processInTime({ event, kept, token }, invocation)
    // An outcome of another try was measured by that try.
    if (outcome.token === token) measure(task, outcome)
    // Stopped threads would refuse the next batch.
    if (invocation.deadline.signal.aborted) await closeWarmThreads()
    return answerOf(outcome)
  } catch (error) {
    await closeWarmThreads()
    throw error
  }
}

/** Time before the deadline at which requests to S3 are no longer retried, so that the error names S3 and the batch is retried on the same tier. */
const settleMs = 5000

interface Try {
  readonly event: ProcessEvent
  readonly kept: KeptReservation
  readonly token: string
}

async function processInTime({ event: { item }, kept, token }: Try, { lambda, deadline: { signal } }: Invocation) {
  const { output, codeHashes, shipped } = lambda
  const codeHash = rowCodeOf(codeHashes[kept.run.task], kept.tables)
  let threads: WarmTask | undefined
  const stop = (): void => threads?.workers.stop()
  signal.addEventListener('abort', stop)
  try {
    return await runner.processItem({ codeHash, shipped, output, now: Date.now, signal }, kept.run, item, async () => {
      threads = await openWarmThreads(lambda, kept, item.stage)
      if (signal.aborted) stop()
      const onSkip = (member: SkippedMember): void => logMessage({ kind: 'log', ...skippedLine(member) })
      const input = lambda[sourceRoot(threads.task.source)]
      const isActing = outputKind(threads.task.output).isThreadless
      const machine = isActing ? actingMachine(lambda, threads.secrets) : undefined
      return batchTools({ ...threads, input, output, machine, gate: createGate(), token, signal, onSkip })
    })
  } finally {
    signal.removeEventListener('abort', stop)
    await threads?.emptyPartFolder()
  }
}

/** The machine of a task that acts instead of reading rows, in a function: it has the files of `include`. */
function actingMachine({ bundle, input, output }: LambdaSession, secrets: SecretValues): ActingMachine {
  return {
    folder: dirname(bundle.file),
    secrets,
    isDeployed: true,
    roots: { input: input.url, output: output.url },
    onMessage: logMessage,
  }
}

function answerOf({ batch, parts, files = [], rowsWritten: rows, rowsRejected: rejects, seconds }: Outcome) {
  const written = { batch, parts: parts.length + files.length, rows, rejects, seconds }
  const answer = { ...written, peakMemoryMb: peakMemoryMb() }
  logger.info('processed', answer)
  return answer
}
