/** The options of finding inputs, and the result. */
import { createHash } from 'node:crypto'
import type { ParamValues, TaskDefinition } from '../define/definition.ts'
import type { FanmillError } from '../errors/errors.ts'
import type { CheckpointFiles } from '../model/checkpoint-files.ts'
import type { Manifest, ManifestPart, SchemaColumn } from '../model/outcome/manifest.ts'
import type { PartitionQuery } from '../model/partition-query.ts'
import type { InputObject, SideColumns, Slice } from '../model/plan-data.ts'
import type { UpstreamNode } from '../model/run/upstream-node.ts'
import type { Store, StoredObject } from '../store/store.ts'
import type { FoundSkipped, UnusedArchive } from './input-warnings.ts'
import type { OpenOptions } from './open-input.ts'
import type { OwnOutputs } from './own-outputs.ts'

export interface FindOptions extends Omit<OpenOptions, 'atOnce'> {
  readonly input: Store
  /** The stores of both roots, for a join, whose sides have a root each. Default both sides are below `input`. */
  readonly roots?: { readonly input: Store; readonly output: Store }
  /** For an output `memberFiles`, the names of members are checked too. */
  readonly task: Pick<TaskDefinition, 'name' | 'source' | 'params' | 'onEmpty'> &
    Partial<Pick<TaskDefinition, 'output' | 'columns' | 'where' | 'transform'>>
  readonly params: ParamValues
  /** The nodes that the task requires, where a graph says so; default those of the run's own parameters. */
  readonly upstream?: readonly UpstreamNode[]
  /** Whether `discover` may still add nodes to `upstream`: until then, a task without nodes is read under the run's own parameters. */
  readonly isUndiscovered?: boolean
  /** Selects only some of the members, or of the files where there are no members: a count, or a percentage. */
  readonly sample?: number | `${number}%`
  /** Looks only at the first of the files or archives that the path matches: so many of them. Default all. */
  readonly objectsMax?: number
  /** Threads that shall each get work: small inputs are cut smaller for them. Default 1. */
  readonly threads?: number
  /** Text that a thread may hold at once: less makes smaller slices, and smaller files are cut or streamed. Default 96 MiB. */
  readonly textBytes?: number
  /** A content hash that this machine remembers, for a store that has no checksums; default reads the object. */
  identify?(object: StoredObject): Promise<string>
  /** Called with the files or archives that the path matches, before any of them is opened. */
  onMatched?(objects: readonly StoredObject[]): void
  /** Called with files before their content is read to identify them; their identities are empty. */
  onListed?(listed: Pick<FoundInputs, 'inputs' | 'cut'>): void
  /** Returns for each partition of a dataset whether it may have rows for the conditions of the task; default all may. */
  neededPartitions?(query: PartitionQuery): Promise<readonly boolean[]>
  /** The pipeline's outputs, where the roots may overlap; default there are none. */
  readonly outputs?: OwnOutputs
  /** Reads the checkpoints of Delta tables. Absent where no source is one. */
  readonly checkpoints?: CheckpointFiles
}

/** The inputs that a run reads. */
export interface FoundInputs {
  readonly inputs: readonly InputObject[]
  /** Cuts some of the inputs into slices, numbered in this order: an append leaves out inputs that the dataset holds. */
  cut(inputs: readonly InputObject[]): readonly Slice[]
  readonly memberCount: number
  /** Members that are bad by the directory of their archive, and that the source skips. */
  readonly skipped: FoundSkipped
  /** Archives without any member for the run, each with the reason. */
  readonly unused: readonly UnusedArchive[]
  /** Columns in the paths of the inputs. */
  readonly hive: readonly string[]
  /** The columns of the dataset that is read, those of `partitionBy` included; absent for other inputs. */
  readonly dataset?: readonly SchemaColumn[] | undefined
  /** How the dataset is kept by key; absent for other inputs. */
  readonly bucketBy?: Manifest['bucketBy']
  /** Returns the parts of the dataset, with full keys below the root; absent for other inputs. */
  parts?(): readonly ManifestPart[]
  /** The columns of the left and of the right side of a join. */
  readonly sides?: SideColumns | undefined
  /** The stage with which a run of these inputs begins. Default 0; a join of which one side is small needs no stages for its sides. */
  readonly firstStage?: number | undefined
  /** The types to which the keys of both sides are converted, in the order of the key; absent where nothing is joined. */
  readonly keyTypes?: readonly string[] | undefined
  /** Parts of a dataset that hold no row for the conditions, by the values of their partitions. Default 0. */
  readonly partsSkipped?: number
  /** Whether the target of the task is not there, so that it is not complete, whatever the state says. Default false. */
  readonly isTargetMissing?: boolean
  /** Why the inputs cannot be read as they are; a run that is complete does not need them. */
  readonly unreadable?: FanmillError | undefined
  /** Frees the members once they are planned: `cut` returns none afterwards. */
  release(): void
  /** Bytes that will be read. */
  readonly bytesIn: number
  /** Inflated bytes by the directory; compressed bytes where that is unknown. */
  readonly bytes: number
}

/** The inputs of a source, before anything is known of columns in their paths. */
export type FoundObjects = Omit<FoundInputs, 'hive'>

/** The inputs that a source has found. */
export interface FoundSource {
  readonly found: FoundObjects
  /** Creates the error of a run that finds nothing to read. */
  noInputError(): Promise<FanmillError>
}

/** Finds the inputs of a source, pins them, and prepares to cut them. @throws INPUT_*, ZIP_* */
export type FindSource<S> = (source: S, options: FindOptions) => Promise<FoundSource>

/** The part of what is found that only archives have. */
export const noMembers: Pick<FoundObjects, 'skipped' | 'unused' | 'release'> = {
  skipped: { count: 0, all: () => [] },
  unused: [],
  release() {},
}

/** Returns an input that is no file, identified by a text. */
export function textInput(key: string, text: string): InputObject {
  const identity = createHash('sha256').update(text).digest('hex').slice(0, 32)
  return { key, sizeBytes: 0, etag: identity, identity }
}

/** Whether a part is read also where no row is needed. */
export interface PartNeed {
  /** Default true, so that there is something to read. */
  readonly keepsOne?: boolean
}
