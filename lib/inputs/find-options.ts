/** What finding inputs needs, and what it finds. */

import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { InputObject, Slice } from '../model/plan-data.ts'
import type { Store, StoredObject } from '../store/store.ts'
import type { FoundSkipped, UnusedArchive } from './input-warnings.ts'
import type { OpenInput } from './open-input.ts'
import type { OwnOutputs } from './own-outputs.ts'

export interface FindOptions {
  readonly input: Store
  /** Where the output is `memberFiles`, names are checked too. */
  readonly task: Pick<TaskDefinition, 'name' | 'source' | 'params' | 'onEmpty'> &
    Partial<Pick<TaskDefinition, 'output' | 'columns'>>
  readonly params: ParamValues
  /** Only some of the members, or of the files where there are no members: a count, or a share of them. */
  readonly sample?: number | `${number}%`
  /** Threads that are to have work each; small inputs are cut smaller for them. Default 1. */
  readonly threads?: number
  /** Text that a thread may hold at once: less makes smaller slices, and smaller files are cut or streamed. Default 96 MiB. */
  readonly textBytes?: number
  /** A content hash that this machine remembers, for a store that has no checksums; default reads the object. */
  identify?(object: StoredObject): Promise<string>
  /** Inputs that an earlier call with the same source opened, by key; one that changed since is opened again. */
  readonly opened?: ReadonlyMap<string, OpenInput>
  /** Called with each input as it is opened. */
  onOpen?(input: OpenInput): void
  /** The pipeline's outputs, where the roots may overlap; default there are none. */
  readonly outputs?: OwnOutputs
  readonly signal?: AbortSignal
}

/** What a run is going to read. */
export interface FoundInputs {
  readonly inputs: readonly InputObject[]
  /** Slices of some of the inputs, numbered as given: an append leaves out those that it has. */
  cut(inputs: readonly InputObject[]): readonly Slice[]
  readonly memberCount: number
  /** Members that the directories of their archives condemn, and that the source skips. */
  readonly skipped: FoundSkipped
  /** Archives that give nothing to the run, each with the reason. */
  readonly unused: readonly UnusedArchive[]
  /** Columns that stand in the paths of the inputs. */
  readonly hive: readonly string[]
  /** Forgets the members once they are planned: `cut` gives none afterwards. */
  release(): void
  /** Bytes that will be read. */
  readonly bytesIn: number
  /** Inflated bytes as declared; compressed ones where that is not known. */
  readonly bytes: number
}

/** The inputs of a source, before anything is known of columns in their paths. */
export type FoundObjects = Omit<FoundInputs, 'hive'>

export const nothingSkipped: FoundSkipped = { count: 0, all: () => [] }
