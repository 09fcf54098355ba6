/** Tables of what operations may do with runs, executions and their tasks, by status. Operations ask them, and test no status themselves. */
import { type Fault, faultOf } from '../aws/fault.ts'
import type { TaskResult } from '../model/events.ts'
import type { RunSummary } from '../runs/runs.ts'
import type { EndedBadly, Execution, ExecutionDetail } from './aws-control.ts'
import type { ExecutedTask } from './execution-tasks.ts'

interface RunOperations {
  /** `refuseActive`: somebody works on it. `refuseComplete`: it was committed. */
  readonly retry: 'continue' | 'refuseActive' | 'refuseComplete'
  /** Whether `retry` without a name looks at it: `first`, or `last` when no other is left. */
  readonly unnamed: 'first' | 'last' | 'never'
  /** Whether `stop` ends it, and `retry` by the name of an execution finds it. */
  readonly isOpen: boolean
}

export const runOperations: Readonly<Record<RunSummary['status'], RunOperations>> = {
  running: { retry: 'refuseActive', unnamed: 'last', isOpen: true },
  interrupted: { retry: 'continue', unnamed: 'first', isOpen: true },
  failed: { retry: 'continue', unnamed: 'first', isOpen: true },
  damaged: { retry: 'continue', unnamed: 'never', isOpen: true },
  // One that is named is left to Plan, which compares it with its dataset.
  superseded: { retry: 'continue', unnamed: 'never', isOpen: false },
  complete: { retry: 'refuseComplete', unnamed: 'never', isOpen: false },
}

interface ExecutionOperations {
  /**
   * `none`: `stop` ends it, `retry` leaves its runs alone, `logs --follow` and `--wait` continue. `bad`: it may have left the lease of a run
   * or of a turn, and `status` shows it whatever it did.
   */
  readonly end: 'none' | 'good' | 'bad'
  /** Reason of its end, for a task that has none. */
  fault(detail: Pick<ExecutionDetail, 'error' | 'cause'>): Fault | undefined
}

export const executionOperations: Readonly<Record<Execution['status'], ExecutionOperations>> = {
  running: { end: 'none', fault: () => undefined },
  succeeded: { end: 'good', fault: () => undefined },
  failed: { end: 'bad', fault: ({ error, cause }) => faultOf(error, cause) },
  stopped: { end: 'bad', fault: ({ cause }) => ({ message: cause ?? 'it was stopped' }) },
  'timed out': { end: 'bad', fault: ({ cause }) => ({ message: cause ?? 'it took longer than its time limit' }) },
}

export const isActive = (execution: Pick<Execution, 'status'> | undefined): boolean =>
  execution !== undefined && executionOperations[execution.status].end === 'none'

export const badEnds = Object.entries(executionOperations)
  .filter(([, { end }]) => end === 'bad')
  .map(([status]) => status as EndedBadly)

interface TaskOperations {
  /** `working`: the execution does something for it. `waiting`: it will, later. `over`: it does nothing more. */
  readonly progress: 'working' | 'waiting' | 'over'
  /** Result of a task that has this status when its execution has ended; undefined where it was not requested. */
  readonly result: TaskResult['status'] | undefined
  /** Whether its result counts the rows of its run, or those of the dataset that was complete before. */
  readonly counts?: 'run' | 'dataset'
}

export const taskOperations: Readonly<Record<ExecutedTask['status'], TaskOperations>> = {
  more: { progress: 'working', result: 'failed' },
  unsettled: { progress: 'working', result: 'failed' },
  planned: { progress: 'working', result: 'failed' },
  wait: { progress: 'waiting', result: 'failed' },
  waiting: { progress: 'waiting', result: 'notRun' },
  committed: { progress: 'over', result: 'complete', counts: 'run' },
  complete: { progress: 'over', result: 'skipped', counts: 'dataset' },
  superseded: { progress: 'over', result: 'skipped' },
  busy: { progress: 'over', result: 'skipped' },
  continued: { progress: 'over', result: 'skipped' },
  ignored: { progress: 'over', result: undefined },
  failed: { progress: 'over', result: 'failed' },
  notRun: { progress: 'over', result: 'notRun' },
}
