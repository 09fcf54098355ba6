/** Composes the tools of a machine for tasks that act instead of reading rows. */
import { setTimeout as delay } from 'node:timers/promises'
import type { TaskDefinition } from '../define/definition.ts'
import { outputKind } from '../define/outputs/output-kind.ts'
import { taskLog } from '../model/task-log.ts'
import type { WorkerMessage } from '../model/worker-job.ts'
import type { ActionTools } from '../process/process-tools.ts'
import type { Store } from '../store/store.ts'
import { type ActionContext, perform } from './perform.ts'

/** The pipeline and the roots, as a machine knows them. */
export interface ActingMachine extends Pick<ActionContext, 'folder' | 'secrets' | 'isDeployed'> {
  /** The URLs or paths of the roots. */
  readonly roots: { readonly input: string; readonly output: string }
  onMessage(message: WorkerMessage): void
}

export interface ActionToolsOptions {
  readonly task: TaskDefinition
  /** Holds the target. */
  readonly store: Store
  readonly machine: ActingMachine | undefined
  readonly signal?: AbortSignal | undefined
}

/** Returns undefined for a task that reads rows. */
export function actionToolsFor({ task, store, machine, signal }: ActionToolsOptions): ActionTools | undefined {
  if (!machine || !outputKind(task.output).isThreadless) return undefined
  const log = taskLog(message => machine.onMessage(message))
  const context = { ...machine, task, log, signal, roots: { ...machine.roots, target: store.url } }
  return {
    perform: (action, run) => perform(action, run, context),
    store,
    pause: ms => delay(ms, undefined, signal && { signal }),
    note: message => log.info(message),
  }
}
