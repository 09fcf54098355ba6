/** The run to commit, and the limits that it must keep. */
import type { RejectLimit } from '../define/definition.ts'
import type { Manifest } from '../model/outcome/manifest.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import type { ActorOptions } from '../state/files.ts'
import type { PlannedBatch } from './accounts.ts'

export interface CommitOptions extends ActorOptions {
  readonly reservation: ReservedRun
  /** The name of the pipeline; absent where a task runs without one. */
  readonly pipeline?: string
  /** The stage of the plan; default the first, which is the only one of most runs. */
  readonly stage?: number
  /** The outcomes of the stages before; default none. */
  readonly earlier?: readonly Outcome[]
  /** All items of the plan. */
  readonly plan: readonly PlannedBatch[]
  readonly partitionBy: readonly string[]
  /** How rows are kept by key; absent where they are not. */
  readonly bucketBy?: Manifest['bucketBy']
  /** The order of the rows over all parts; absent where they are in none. */
  readonly order?: Manifest['order']
  /** Default no limit. */
  readonly partitionsMax?: number | undefined
  readonly rejectsMax: RejectLimit['max']
  /** Hash of the code that commits, where that may differ from the code that planned; a commit under way is completed in any case. */
  readonly codeHash?: string
  /** Hash of the shipped code that commits; default the deployed code. */
  readonly shipped?: string | undefined
}
