/** What the tasks of one `run` call share: the pipeline, its stores, this machine's folders and budget. */
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PermanentError } from '../core/errors.ts'
import type { RunEvent } from '../core/events.ts'
import type { Owner } from '../core/state.ts'
import type { Store } from '../core/store.ts'
import type { PipelineDefinition } from '../define/definition.ts'
import { type Bundle, bundlePipeline } from '../io/bundle.ts'
import { codeHashes, loadPipeline } from '../io/bundle-load.ts'
import { openStore, type StoreSpec } from '../io/open-store.ts'
import { defaultMemoryMb, defaultWorkers, makeStageFolder, type MemoryShares, shareMemory, thisOwner } from './machine.ts'
import type { RunOptions } from './options.ts'

export interface Session {
  readonly pipeline: PipelineDefinition
  readonly bundle: Bundle
  readonly codeHashes: ReadonlyMap<string, string>
  readonly inputSpec: StoreSpec
  readonly input: Store
  /** Folder of the outputs; a sample's is below the real one's state. */
  readonly outputFolder: string
  readonly output: Store
  readonly owner: Owner
  readonly workers: number
  readonly memory: MemoryShares
  readonly stageFolder: string
  readonly partFolder: string
  readonly groupBytes: number
  readonly options: RunOptions
  tell(event: RunEvent): void
  close(): void
}

/** Text that one writer takes at once: at a fourth to a fifth of it as Parquet, parts of 50 to 60 MB. */
const groupBytesMax = 256 * 1024 * 1024

/** @throws DEFINITION_LOAD, DEFINITION_INVALID, USAGE */
export async function openSession(pipeline: PipelineDefinition | string, options: RunOptions): Promise<Session> {
  const { workers = defaultWorkers(), memoryMb = defaultMemoryMb(), onEvent } = options
  const outputFolder = outputOf(options)
  const bundle = await bundlePipeline(fileOf(pipeline), { outFolder: join(outputFolder, '.fanmill', 'bundles') })
  const definition = await loadPipeline(bundle)
  const inputSpec = { kind: 'disk', folder: resolve(options.input ?? '.') } as const
  const owner = thisOwner()
  const partFolder = join(outputFolder, '.fanmill', 'tmp', owner.id)
  mkdirSync(partFolder, { recursive: true })
  const stageFolder = makeStageFolder((workers + 1) * 2 * groupBytesMax)
  return {
    pipeline: definition,
    bundle,
    codeHashes: await codeHashes(bundle, definition),
    inputSpec,
    input: openStore(inputSpec),
    outputFolder,
    output: openStore({ kind: 'disk', folder: outputFolder }),
    owner,
    workers,
    memory: shareMemory(memoryMb, workers),
    stageFolder,
    partFolder,
    groupBytes: groupBytesMax,
    options,
    tell: event => onEvent?.(event),
    close() {
      for (const folder of [stageFolder, partFolder]) rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Samples never touch the real output. */
export function outputOf({ output = 'out', sample }: Pick<RunOptions, 'output' | 'sample'>): string {
  return sample === undefined ? resolve(output) : join(resolve(output), '.fanmill', 'sample')
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
