/** What the tasks of one `run` call share: the pipeline, its stores, this machine's folders and budget. */
import { accessSync, constants, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { groupBytesMax } from '../aws/tier.ts'
import { type Bundle, bundlePipeline } from '../bundle/bundle.ts'
import { loadPipeline, taskHasher } from '../bundle/bundle-load.ts'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { OwnOutputs } from '../inputs/own-outputs.ts'
import type { RunEvent } from '../model/events.ts'
import type { Owner } from '../state/state.ts'
import { sweepTemporary } from '../store/disk/files.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { defaultOutput, rootSpec, specBelow } from '../store/roots.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store } from '../store/store.ts'
import {
  checkMemory,
  defaultMemoryMb,
  defaultWorkers,
  type MemoryShares,
  makeStageFolder,
  shareMemory,
  thisOwner,
} from '../threads/machine.ts'
import { memoryCeiling } from '../threads/machine-memory.ts'
import { openPool, type ThreadPool } from '../threads/pool.ts'
import { checkInputRoot, checkOutputRoot } from './check-roots.ts'
import { ownOutputs } from './roots-apart.ts'
import type { RunOptions } from './run-options.ts'

export interface Session {
  readonly pipeline: PipelineDefinition
  readonly bundle: Bundle
  codeHash(task: TaskDefinition): string
  readonly inputSpec: StoreSpec
  readonly input: Store
  /** Outputs of the pipeline that could be among the inputs. */
  readonly outputs: OwnOutputs
  /** Where the outputs are; a sample's are below the real ones' state. */
  readonly outputSpec: StoreSpec
  /** Folder of this machine for bundles and part files: on the output's file system, where that is a disk. */
  readonly workFolder: string
  readonly output: Store
  readonly owner: Owner
  readonly workers: number
  readonly memory: MemoryShares
  /** More of the whole process ends the run. */
  readonly memoryBytesMax: number
  /** Threads for the first task, started at once. */
  readonly pool: ThreadPool
  readonly stageFolder: string
  readonly partFolder: string
  readonly groupBytes: number
  readonly options: RunOptions
  tell(event: RunEvent): void
  close(): Promise<void>
}

/** What tests make small, to have many batches of little text. */
export interface SessionTuning {
  readonly groupBytes?: number
}

/** @throws DEFINITION_LOAD, DEFINITION_INVALID, USAGE */
export async function openSession(
  pipeline: PipelineDefinition | string,
  options: RunOptions,
  { groupBytes = groupBytesMax }: SessionTuning = {},
): Promise<Session> {
  const { memoryMb = defaultMemoryMb(), onEvent } = options
  const { workers = defaultWorkers(memoryMb) } = options
  // One worker on a small machine is what there is.
  if (workers > 1 || options.memoryMb !== undefined) checkMemory(memoryMb, workers)
  const inputSpec = rootSpec(options.input ?? '.', options)
  const outputSpec = outputOf(options)
  checkInputRoot(inputSpec)
  checkOutputRoot(outputSpec)
  const shares = shareMemory(memoryMb, workers)
  const memoryBytesMax = memoryCeiling(memoryMb)
  // A heap at its limit ends the whole process while a query calls into it: the process' own limit is to be met first.
  const memory = { ...shares, heapBytes: Math.max(shares.heapBytes, memoryBytesMax) }
  const pool = openPool({ threads: workers, heapBytes: memory.heapBytes, memoryBytesMax })
  const { workFolder, isTemporary } = workFolderOf(outputSpec)
  const { bundle, definition } = await load(pipeline, workFolder).catch(async error => {
    await pool.close()
    throw error
  })
  const owner = thisOwner()
  // A run that finds nothing to do writes nothing, which is when the store would remove what killed processes left.
  await sweepTemporary(join(workFolder, 'tmp'))
  const partFolder = makeOwnFolder(join(workFolder, 'tmp'))
  const stageFolder = makeStageFolder((workers + 1) * 2 * groupBytesMax, memoryMb * 1e6)
  return {
    pipeline: definition,
    bundle,
    codeHash: await taskHasher(bundle, definition),
    inputSpec,
    input: openStore(inputSpec),
    outputs: ownOutputs(definition, inputSpec, rootSpec(options.output ?? defaultOutput, options)),
    outputSpec,
    workFolder,
    output: openStore(outputSpec),
    owner,
    workers,
    memory,
    memoryBytesMax,
    pool,
    stageFolder,
    partFolder,
    groupBytes,
    options,
    tell: event => onEvent?.(event),
    async close() {
      await pool.close()
      removeOwnFolder(stageFolder)
      removeOwnFolder(partFolder)
      if (isTemporary) removeOwnFolder(workFolder)
    },
  }
}

async function load(pipeline: PipelineDefinition | string, workFolder: string) {
  const bundle = await bundlePipeline(fileOf(pipeline), { outFolder: join(workFolder, 'bundles') })
  return { bundle, definition: await loadPipeline(bundle) }
}

/** Samples never touch the real output. */
export function outputOf({ output = defaultOutput, sample, ...access }: RunOptions): StoreSpec {
  const spec = rootSpec(output, access)
  return sample === undefined ? spec : specBelow(spec, `${stateRoot}sample`)
}

/**
 * Beside the state where that is on a disk that can be written to; else a new folder, because what stands in a shared one may be
 * anybody's code. In an output that is read-only a run can still find that it is complete.
 */
function workFolderOf(spec: StoreSpec): { readonly workFolder: string; readonly isTemporary: boolean } {
  if (spec.kind === 'disk' && isWritable(join(spec.folder, stateRoot)))
    return { workFolder: join(spec.folder, stateRoot), isTemporary: false }
  return { workFolder: makeOwnFolder(tmpdir()), isTemporary: true }
}

function isWritable(folder: string): boolean {
  let path = folder
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The file of a pipeline: threads import it, since functions do not cross. */
function fileOf(pipeline: PipelineDefinition | string): string {
  if (typeof pipeline === 'string') return resolve(pipeline)
  const { module } = pipeline as { readonly module?: string }
  if (module?.startsWith('file:')) return fileURLToPath(module)
  throw new PermanentError(
    'DEFINITION_LOAD',
    `pipeline ${pipeline.name}: its module is not known; give pipeline({ …, module: import.meta.url }), or run it by its path`,
  )
}
