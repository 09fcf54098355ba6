/** The state of one task in a thread: its setup, its engine, and how it sends messages. */
import type { ParamValues, TaskDefinition } from '../../define/definition.ts'
import type { Engine, StartingEngine } from '../../duckdb/engine.ts'
import { engineTask } from '../../engine/engine-task.ts'
import type { TableFile } from '../../engine/read/load-tables.ts'
import { openTask, type TaskEngine } from '../../engine/task-engine.ts'
import { nameTask } from '../../errors/task-error.ts'
import type { StageColumns } from '../../model/stage-columns.ts'
import type { WorkerMessage } from '../../model/worker-job.ts'
import type { SpareFiles } from '../../stage/spare-files.ts'
import type { StoreSpec } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'
import type { SecretValues } from '../secrets.ts'
import type { ThreadLog } from './log.ts'
import type { ThreadProgress } from './progress.ts'

/** Setup of a thread: plain data, except for the store of a test. */
export interface ThreadSetup {
  readonly params: ParamValues
  readonly input: StoreSpec | Store
  readonly tables: readonly TableFile[]
  /** Parent of the folder that each thread creates for its staged text. */
  readonly stageFolder: string
  /** Folder for parts, on the file system of the output. */
  readonly partFolder: string
  /** Syncs parts to the disk while they are written, where the output is on a disk; default false. */
  readonly syncsParts?: boolean
  readonly engineBytes: number
  readonly stageBytesMax: number
  /** Limit on slices that are read at once; default 1. */
  readonly readsMax?: number
  readonly strict?: boolean
  /** Reads only the first row group of each Parquet file; default false. */
  readonly firstRowGroup?: boolean
  /** Values of the task's secrets; default none. */
  readonly secrets?: SecretValues
  /** Folder that `ctx.file()` reads from; default the working directory. */
  readonly filesFolder?: string
  /** Loads the task from another copy of the user's module; absent where the functions are those of a test's own module. */
  loadCopy?(copy: number): Promise<TaskDefinition>
  /** The engine, which starts while the module is loaded; default it starts after that. */
  readonly starting?: StartingEngine
}

export type SendMessage = (message: WorkerMessage) => void

export interface ThreadState {
  readonly task: TaskDefinition
  readonly setup: ThreadSetup
  readonly store: Store
  readonly log: ThreadLog
  readonly engine: Engine
  readonly stageFolder: string
  /** Files of `stageFolder` that the next text is written over; absent where the folder is on a disk and not in memory. */
  readonly spares: SpareFiles | undefined
  readonly context: unknown
  readonly send: SendMessage
  /** Aborted when the run is stopped or the running job is interrupted. */
  signal: AbortSignal
  opened?: Promise<TaskEngine>
  progress?: ThreadProgress
}

/** Opens the task in the engine once. */
export function taskEngine(thread: ThreadState): Promise<TaskEngine> {
  const { task, setup, engine, context } = thread
  thread.opened ??= openTask(engine, { ...engineTask(task, setup), isCheckedLater: true }, context).catch(error => {
    throw nameTask(task.name, error)
  })
  return thread.opened
}

/** Returns the engine after the transform was checked with the columns of the inputs. */
export async function checkedEngine(thread: ThreadState, inputs?: StageColumns): Promise<TaskEngine> {
  const engine = await taskEngine(thread)
  await engine.check(inputs).catch(error => {
    throw nameTask(thread.task.name, error)
  })
  return engine
}
