/** Adds up the progress of the threads, and emits it as events. */
import type { RunPhase } from '../../model/events.ts'
import type { Outcome } from '../../model/outcome/outcome.ts'
import type { NodeName } from '../../model/run/node-name.ts'
import type { ReservedRun } from '../../model/run/reserved-run.ts'
import type {
  JobControl,
  JobKind,
  UnderWay,
  WorkerJob,
  WorkerMessage,
  WorkerResults,
  Workers,
} from '../../model/worker-job.ts'
import type { Session } from '../session.ts'
import type { TaskLog } from './task-log.ts'

export type Progress = ReturnType<typeof createProgress>

const nothing = { members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 }

/** Creates the progress of a task. A `progress` event holds the totals of finished work; `bytes` are inflated, as in the `plan` event. */
export function createProgress({ emit }: Pick<Session, 'emit'>, name: NodeName, log: Pick<TaskLog, 'onMessage'>) {
  let runId = ''
  let phase: RunPhase = 'plan'
  const totals = { ...nothing }
  let bytesInflated = 0
  const read = { bytesIn: 0, rowGroupsSkipped: 0 }
  const underWay = new Map<object, UnderWay>()
  const atWork = { share: 0, merge: 0 }
  const emitProgress = (): void => {
    const sum = (name: keyof UnderWay): number => [...underWay.values()].reduce((all, each) => all + each[name], 0)
    emit({
      ...{ event: 'progress', ...name, runId, phase, ...totals },
      bytesStaged: totals.bytes + sum('bytesStaged'),
      bytesConverted: totals.bytes + sum('bytesConverted'),
      rowsSoFar: totals.rowsWritten + sum('rows'),
    })
  }
  const enter = (next: RunPhase): void => {
    if (next === phase) return
    phase = next
    emitProgress()
  }
  return {
    /** Handles a message of a thread; `job` identifies the work that it is about. */
    onMessage(message: WorkerMessage, job: object) {
      if (message.kind === 'log') return log.onMessage(message)
      if (message.kind === 'progress') {
        for (const name of ['members', 'bytes', 'rowsWritten', 'rowsRejected'] as const) totals[name] += message[name]
        bytesInflated += message.bytes
        underWay.delete(job)
      } else if (message.bytesStaged > 0) underWay.set(job, message)
      else if (!underWay.delete(job)) return
      emitProgress()
    },
    /** Changes the phase. While batches are processed, the jobs of the threads decide between `convert` and `merge`. */
    enter(next: 'plan' | 'process' | 'commit'): void {
      if (next === 'plan') emitProgress()
      else enter(next === 'process' ? 'convert' : next)
    },
    /** Returns the same workers, with their jobs observed. */
    observe: (workers: Workers) =>
      observed(workers, atWork, () => enter(atWork.share === 0 && atWork.merge > 0 ? 'merge' : 'convert')),
    /** Adds the run to all later events. */
    begin(run: Pick<ReservedRun, 'runId'>): void {
      runId = run.runId
    },
    batchDone(run: ReservedRun, outcome: Outcome): void {
      read.bytesIn += outcome.bytesIn
      read.rowGroupsSkipped += outcome.rowGroupsSkipped ?? 0
      emit({ event: 'batch', ...name, runId: run.runId, batch: outcome.batch, parts: outcome.parts.length })
    },
    /** Returns the bytes of all work, including batches that are processed again. */
    bytesInflated: () => bytesInflated,
    /** Returns the bytes that the finished batches read. */
    bytesIn: () => read.bytesIn,
    rowGroupsSkipped: () => read.rowGroupsSkipped,
    /** Resets the totals, because batches are processed again. */
    reset: () => Object.assign(totals, nothing),
  }
}

/** Returns the workers with their shares and merges counted. */
function observed(workers: Workers, atWork: { share: number; merge: number }, onChange: () => void): Workers {
  const run = async <K extends JobKind>(job: WorkerJob<K>, control?: JobControl): Promise<WorkerResults[K]> => {
    const kind: JobKind = job.kind
    if (kind !== 'share' && kind !== 'merge') return workers.run(job, control)
    atWork[kind]++
    onChange()
    try {
      return await workers.run(job, control)
    } finally {
      atWork[kind]--
    }
  }
  return Object.create(workers, { run: { value: run } }) as Workers
}
