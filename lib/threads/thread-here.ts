/** Runs the jobs of a task in the thread that calls: for tests, and for work that ends in a moment. */

import type { TaskDefinition } from '../define/definition.ts'
import type { JobKind, WorkerJob, WorkerResults, Workers } from '../model/worker-job.ts'
import type { SendMessage, ThreadSetup } from './worker/thread-state.ts'
import { openThread } from './worker/worker-thread.ts'

/** Jobs run one after another, as on a thread. @throws SQL_*, DEFINITION_INVALID, INPUT_INVALID */
export async function threadHere(task: TaskDefinition, setup: ThreadSetup, send: SendMessage): Promise<Workers> {
  const thread = await openThread(task, setup, send)
  let last: Promise<unknown> = Promise.resolve()
  return {
    threads: 1,
    run<K extends JobKind>(job: WorkerJob<K>): Promise<WorkerResults[K]> {
      const turn = last.then(() => thread.run(job))
      last = turn.catch(() => undefined)
      return turn
    },
    stop: () => thread.stop(),
    async close() {
      await last
      thread.close()
    },
  }
}
