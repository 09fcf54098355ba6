/** Runs a task of several stages over stores in memory, with the threads of all stages in this one. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stageOf, stagesBefore, stagesOf } from '../../lib/define/tasks/task-stages.ts'
import { PermanentError } from '../../lib/errors/errors.ts'
import type { TaskDefinition } from '../../lib/index.ts'
import { findInputs } from '../../lib/inputs/find-inputs.ts'
import type { Manifest } from '../../lib/model/outcome/manifest.ts'
import { outputPathOf } from '../../lib/model/run/output-path.ts'
import type { JobKind, Workers } from '../../lib/model/worker-job.ts'
import { runBatches } from '../../lib/process/run-batches.ts'
import { createGate } from '../../lib/process/share/gate.ts'
import { planTask } from '../../lib/process/task-runner.ts'
import type { MemoryStore, StoreRequest } from '../../lib/store/memory-store.ts'
import { batchTools } from '../../lib/threads/pool/task-workers.ts'
import { threadHere } from '../../lib/threads/thread-here.ts'

type OnRequest = (request: StoreRequest, phase: 'before' | 'after') => void

/** Ends the process at a request, before or after it takes effect: no later one is sent. */
export function killAt(at: number, listen: (onRequest: OnRequest) => void): { readonly isOver: () => boolean } {
  const when = at % 2 === 0 ? 'before' : 'after'
  let requests = 0
  listen((_, phase) => {
    if (phase === 'before') requests++
    if (requests > at || (requests === at && phase === when)) throw new PermanentError('STORE_FAILED', 'killed')
  })
  return { isOver: () => requests < at }
}

export interface StagedRun {
  /** Runs the task as a process of its own, to its end. */
  run(): Promise<Manifest>
  close(): Promise<void>
}

export interface StagedRunOptions {
  readonly input: MemoryStore
  readonly output: MemoryStore
  readonly engineBytes?: number
  readonly groupBytes?: number
  /** The side of a join that is small is read whole, as in a run whose datasets are below the root of outputs. Default false. */
  readonly readsWhole?: boolean
  /** Is called with each job of a stage. */
  readonly onJob?: (stage: number, job: { readonly kind: JobKind }) => void
}

export async function openStagedRun(
  task: TaskDefinition,
  { input, output, engineBytes = 2 ** 28, groupBytes = 1024, readsWhole = false, onJob }: StagedRunOptions,
): Promise<StagedRun> {
  const inputOf = (stage: number) =>
    stagesBefore(task, stage).length === 0 || (readsWhole && stage === 2) ? input : output
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-stages-'))
  const partFolder = join(folder, 'parts')
  mkdirSync(partFolder)
  const pools: Workers[] = []
  for (const [stage, each] of stagesOf(task).entries()) {
    const setup = { params: {}, tables: [], stageFolder: folder, partFolder, engineBytes, stageBytesMax: 2 ** 28 }
    const workers = await threadHere(each, { ...setup, input: inputOf(stage) }, () => {})
    pools.push({
      ...workers,
      run(job) {
        onJob?.(stage, job)
        return workers.run(job)
      },
    })
  }
  let owners = 0
  let tokens = 0
  return {
    async run() {
      const owner = { id: `owner-${owners++}`, host: 'test', startedAt: '' }
      const isAlive = ({ id }: { readonly id: string }): boolean => id === owner.id
      const outputPath = outputPathOf(task, {}, undefined)
      const context = { task, params: {}, codeHash: 'code', output, outputPath, owner, isAlive, now: () => 1_000_000 }
      const roots = readsWhole ? { input, output: input } : undefined
      const found = await findInputs({ input, roots, task, params: {} })
      const planned = await planTask(context, { found, batchBytes: groupBytes })
      if (planned.status === 'complete') return planned.manifest
      if (planned.status === 'busy') throw new Error('expected a run that nobody works on')
      const machine = { output, gate: createGate(), stageFolder: folder, partFolder, groupBytes, engineBytes }
      const openTools = (stage: number) => {
        const own = { task: stageOf(task, stage), input: inputOf(stage) }
        const tools = batchTools({ ...machine, ...own, workers: pools[stage] as Workers, token: `t${tokens++}` })
        return { ...tools, sleep: async () => {} }
      }
      return runBatches(context, planned, { openTools, packing: { batchBytes: groupBytes } })
    },
    async close() {
      for (const workers of pools) await workers.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
