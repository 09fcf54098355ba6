/** The workers of a test: one, in this very thread. */

import type { TaskDefinition } from '../define/definition.ts'
import type { WorkerJob, WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import { openThread, type ThreadSetup } from '../threads/worker-thread.ts'

/** Jobs run one after another, as on a thread. @throws SQL_*, DEFINITION_INVALID, INPUT_INVALID */
export async function threadHere(
  task: TaskDefinition,
  setup: ThreadSetup,
  tell: (message: WorkerMessage) => void,
): Promise<Workers> {
  const thread = await openThread(task, setup, tell)
  let last: Promise<unknown> = Promise.resolve()
  return {
    threads: 1,
    run<K extends keyof WorkerResults>(job: Extract<WorkerJob, { readonly kind: K }>): Promise<WorkerResults[K]> {
      const turn = last.then(() => thread.run<K>(job))
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
