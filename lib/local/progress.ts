/** Adds up what the threads tell, and tells it on as events. */
import type { Outcome } from '../core/outcome.ts'
import type { WorkerMessage } from '../core/worker-job.ts'
import type { ReservedRun } from '../steps/reserve.ts'
import type { Session } from './session.ts'
import type { TaskLog } from './task-log.ts'

export interface Progress {
  hear(message: WorkerMessage): void
  /** Events carry the run from here on. */
  begin(run: Pick<ReservedRun, 'runId'>): void
  batchDone(run: ReservedRun, outcome: Outcome): void
  /** Some batches are done again. */
  again(): void
}

/** A `progress` event holds the task's totals so far; `bytes` are inflated, as in the `plan` event. */
export function createProgress(session: Pick<Session, 'tell'>, task: string, log: TaskLog): Progress {
  let run = ''
  const totals = { members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 }
  return {
    hear(message) {
      if (message.kind === 'log') return log.hear(message)
      for (const name of ['members', 'bytes', 'rowsWritten', 'rowsRejected'] as const) totals[name] += message[name]
      session.tell({ event: 'progress', task, run, ...totals })
    },
    begin: ({ runId }) => {
      run = runId
    },
    batchDone: (run, outcome) =>
      session.tell({ event: 'batch', task, run: run.runId, batch: outcome.batch, parts: outcome.parts.length }),
    again: () => Object.assign(totals, { members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 }),
  }
}
