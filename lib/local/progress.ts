/** Adds up what the threads send, and emits it as events. */
import type { RunPhase } from '../model/events.ts'
import type { Outcome } from '../model/outcome.ts'
import type { ReservedRun } from '../model/reserved-run.ts'
import type { JobKind, UnderWay, WorkerJob, WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import type { Session } from './session.ts'
import type { TaskLog } from './task-log.ts'

export interface Progress {
  /** `job` tells the work of one job from that of the others. */
  hear(message: WorkerMessage, job: object): void
  /** The run is planned, or committed, or its batches are processed: what the threads do then says whether they convert or merge. */
  enter(phase: 'plan' | 'process' | 'commit'): void
  /** The same workers, whose jobs say what is done while batches are processed. */
  watching(workers: Workers): Workers
  /** Events carry the run from here on. */
  begin(run: Pick<ReservedRun, 'runId'>): void
  batchDone(run: ReservedRun, outcome: Outcome): void
  /** Of all work, also of batches that are done again. */
  bytesInflated(): number
  /** Some batches are done again. */
  again(): void
}

const nothing = { members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 }

/** A `progress` event holds the task's totals of finished work; `bytes` are inflated, as in the `plan` event. */
export function createProgress(session: Pick<Session, 'tell'>, task: string, log: Pick<TaskLog, 'hear'>): Progress {
  let run = ''
  let phase: RunPhase = 'plan'
  const totals = { ...nothing }
  let bytesInflated = 0
  const underWay = new Map<object, UnderWay>()
  const atWork = { share: 0, merge: 0 }
  const tell = (): void => {
    const sum = (name: keyof UnderWay): number => [...underWay.values()].reduce((all, each) => all + each[name], 0)
    session.tell({
      ...{ event: 'progress', task, run, phase, ...totals },
      bytesStaged: totals.bytes + sum('bytesStaged'),
      bytesConverted: totals.bytes + sum('bytesConverted'),
      rowsSoFar: totals.rowsWritten + sum('rows'),
    })
  }
  const enter = (next: RunPhase): void => {
    if (next === phase) return
    phase = next
    tell()
  }
  return {
    hear(message, job) {
      if (message.kind === 'log') return log.hear(message)
      if (message.kind === 'progress') {
        for (const name of ['members', 'bytes', 'rowsWritten', 'rowsRejected'] as const) totals[name] += message[name]
        bytesInflated += message.bytes
        underWay.delete(job)
      } else if (message.bytesStaged > 0) underWay.set(job, message)
      else if (!underWay.delete(job)) return
      tell()
    },
    enter(next) {
      if (next === 'plan') tell()
      else enter(next === 'process' ? 'convert' : next)
    },
    watching: workers =>
      watched(workers, atWork, () => enter(atWork.share === 0 && atWork.merge > 0 ? 'merge' : 'convert')),
    begin: ({ runId }) => {
      run = runId
    },
    batchDone: (run, outcome) =>
      session.tell({ event: 'batch', task, run: run.runId, batch: outcome.batch, parts: outcome.parts.length }),
    bytesInflated: () => bytesInflated,
    again: () => Object.assign(totals, nothing),
  }
}

/** Counts shares and merges under way; other jobs pass. */
function watched(workers: Workers, atWork: { share: number; merge: number }, onChange: () => void): Workers {
  const run = async <K extends JobKind>(job: WorkerJob<K>): Promise<WorkerResults[K]> => {
    const kind: JobKind = job.kind
    if (kind !== 'share' && kind !== 'merge') return workers.run(job)
    atWork[kind]++
    onChange()
    try {
      return await workers.run(job)
    } finally {
      atWork[kind]--
    }
  }
  return Object.create(workers, { run: { value: run } }) as Workers
}
