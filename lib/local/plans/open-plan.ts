/** Opens what the commands share that look at a graph without running it. */
import { join } from 'node:path'
import type { PipelineDefinition } from '../../define/definition.ts'
import type { TaskGraph } from '../../graph/graph.ts'
import { resolveGraph } from '../../graph/resolve-graph.ts'
import { knownIdentity } from '../../inputs/identity/content-identity.ts'
import type { OwnOutputs } from '../../inputs/own-outputs.ts'
import { openStore } from '../../store/open-store.ts'
import { defaultOutput, rootSpec } from '../../store/roots.ts'
import { stateRoot } from '../../store/state-root.ts'
import type { Store, StoredObject } from '../../store/store.ts'
import { defaultMemoryMb, defaultWorkers, shareMemory } from '../../threads/pool/machine.ts'
import type { RunOptions } from '../options/run-options.ts'
import { type HashedPipeline, loadHashed } from '../pipeline-file.ts'
import { checkInputRoot } from '../roots/check-roots.ts'
import { outputRoot } from '../roots/output-root.ts'
import { ownOutputs } from '../roots/roots-apart.ts'

export interface PlanContext extends HashedPipeline {
  readonly graph: TaskGraph
  readonly input: Store
  readonly output: Store
  readonly outputs: OwnOutputs
  readonly options: RunOptions
  readonly workers: number
  readonly textBytes: number
  /** Identifies the content of an input without reading it. */
  identify(object: StoredObject): Promise<string>
}

/** Loads the pipeline and resolves its graph. @throws DEFINITION_*, PARAM_*, GRAPH_*, TASK_UNKNOWN */
export async function openPlan(pipeline: PipelineDefinition | string, options: RunOptions): Promise<PlanContext> {
  const hashed = await loadHashed(pipeline)
  const { definition, codeHash } = hashed
  const { task, params, memoryMb = defaultMemoryMb() } = options
  const { workers = defaultWorkers(memoryMb) } = options
  const inputSpec = rootSpec(options.input ?? '.', options)
  checkInputRoot(inputSpec)
  const outputSpec = outputRoot(options)
  const input = openStore(inputSpec)
  const workFolder = outputSpec.kind === 'disk' ? join(outputSpec.folder, stateRoot) : ''
  return {
    ...hashed,
    graph: resolveGraph(definition, { tasks: task, params }, codeHash),
    input,
    output: openStore(outputSpec),
    outputs: ownOutputs(definition, inputSpec, rootSpec(options.output ?? defaultOutput, options)),
    options,
    workers,
    textBytes: shareMemory(memoryMb, workers).textBytes,
    identify: knownIdentity({ input, inputSpec, workFolder }),
  }
}
