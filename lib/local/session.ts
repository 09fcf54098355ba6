/** Opens what the tasks of one `run` call share: the pipeline, its stores, this machine's folders and memory. */
import { accessSync, constants, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { groupBytesMax } from '../aws/tier.ts'
import { type Bundle, bundlePipeline } from '../bundle/bundle.ts'
import { loadPipeline } from '../bundle/bundle-load.ts'
import { taskHasher } from '../bundle/task-hasher.ts'
import type { PipelineDefinition, TaskDefinition } from '../define/definition.ts'
import { contentIdentity } from '../inputs/identity/content-identity.ts'
import type { OwnOutputs } from '../inputs/own-outputs.ts'
import type { RunEvent } from '../model/events.ts'
import type { Owner } from '../state/state.ts'
import { abortableReads } from '../store/abortable-reads.ts'
import { sweepTemporary } from '../store/disk/files.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import { outlastingOutages } from '../store/outage.ts'
import { makeOwnFolder, removeOwnFolder } from '../store/own-folder.ts'
import { defaultOutput, rootSpec } from '../store/roots.ts'
import { stateRoot } from '../store/state-root.ts'
import type { Store, StoredObject } from '../store/store.ts'
import { makeStageFolder, thisOwner } from '../threads/pool/machine.ts'
import { openRunThreads, type RunThreads } from '../threads/pool/run-threads.ts'
import type { RunOptions } from './options/run-options.ts'
import { pipelineFile } from './pipeline-file.ts'
import { checkInputRoot, checkOutputRoot } from './roots/check-roots.ts'
import { outputRoot } from './roots/output-root.ts'
import { ownOutputs } from './roots/roots-apart.ts'

export interface Session extends RunThreads {
  readonly pipeline: PipelineDefinition
  readonly bundle: Bundle
  readonly codeHash: (task: TaskDefinition) => string
  readonly inputSpec: StoreSpec
  readonly input: Store
  /** Identifies the content of an input. */
  identify(object: StoredObject): Promise<string>
  /** Outputs of the pipeline, which could be among the inputs. */
  readonly outputs: OwnOutputs
  /** Root of the outputs; a sample's is below the state of the real one. */
  readonly outputSpec: StoreSpec
  /** Folder for bundles and part files: on the output's file system when the output is on a disk. */
  readonly workFolder: string
  readonly output: Store
  readonly owner: Owner
  readonly stageFolder: string
  readonly partFolder: string
  readonly groupBytes: number
  readonly slowMsMin: number | undefined
  readonly options: RunOptions
  emit(event: RunEvent): void
  close(): Promise<void>
}

export interface SessionTuning {
  /** Threads that were started already; the session closes them. Default it starts them. */
  readonly threads?: RunThreads
  /** Text of a batch for each thread, which tests make small, to have many batches of little text. */
  readonly groupBytes?: number
  /** Time before a slow share gets a second copy. */
  readonly slowMsMin?: number
}

/** @throws DEFINITION_LOAD, DEFINITION_INVALID, USAGE */
export async function openSession(
  pipeline: PipelineDefinition | string,
  options: RunOptions,
  { threads = openRunThreads(options), groupBytes = groupBytesMax, slowMsMin }: SessionTuning = {},
): Promise<Session> {
  const { onEvent } = options
  const folders: string[] = []
  const own = (folder: string): string => {
    folders.unshift(folder)
    return folder
  }
  const close = async (): Promise<void> => {
    await threads.pool.close()
    for (const folder of folders) removeOwnFolder(folder)
  }
  try {
    const inputSpec = outlastingOutages(rootSpec(options.input ?? '.', options))
    const outputSpec = outlastingOutages(outputRoot(options))
    checkInputRoot(inputSpec)
    checkOutputRoot(outputSpec)
    const { workFolder, isTemporary } = workFolderOf(outputSpec)
    if (isTemporary) own(workFolder)
    const outFolder = join(workFolder, 'bundles')
    const bundle = await bundlePipeline(pipelineFile(pipeline), { outFolder, reuse: !isTemporary })
    const definition = await loadPipeline(bundle)
    // The store removes files of killed processes when it first writes; a run that is complete already writes nothing.
    await sweepTemporary(join(workFolder, 'tmp'))
    const input = abortableReads(openStore(inputSpec), options.signal)
    return {
      pipeline: definition,
      bundle,
      codeHash: await taskHasher(bundle, definition),
      ...threads,
      ...{ inputSpec, outputSpec, workFolder, groupBytes, slowMsMin, options, close },
      input,
      identify: contentIdentity({ input, inputSpec, workFolder }),
      output: openStore(outputSpec),
      outputs: ownOutputs(definition, inputSpec, rootSpec(options.output ?? defaultOutput, options)),
      owner: thisOwner(),
      partFolder: own(makeOwnFolder(join(workFolder, 'tmp'))),
      stageFolder: own(makeStageFolder((threads.workers + 1) * 2 * groupBytesMax, threads.memoryMb * 1e6)),
      emit: event => onEvent?.(event),
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Returns the state's folder when it is on a writable disk; else a new folder, because a shared one could hold anybody's code. A run with
 * a read-only output can still find that it is complete.
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
