/** The run that a process wants to reserve. */
import type { ParamValues } from '../define/definition.ts'
import type { Output, OutputMode } from '../define/output-definition.ts'
import type { InputObject } from '../model/plan-data.ts'
import type { RunName } from '../model/run-identity.ts'
import type { RunShape } from '../model/schema-fit.ts'
import type { SkippedMembers } from '../model/skipped-member.ts'
import type { ActorOptions } from '../state/files.ts'

export interface ReserveRequest extends ActorOptions, RunShape {
  /** Path of the dataset below the output root; no slash at either end. */
  readonly outputPath: string
  /** Default `parquet`. */
  readonly outputKind?: Output['kind']
  readonly task: string
  readonly params: ParamValues
  readonly codeHash: string
  readonly inputs: readonly InputObject[]
  /** Members that the plan skips. */
  readonly skipped?: Pick<SkippedMembers, 'count' | 'first'> | undefined
  readonly mode: OutputMode
  /** Runs again what is complete; default false. */
  readonly force?: boolean | undefined
  /** Resumes this attempt or fails: no other run is begun. */
  readonly resume?: RunName | undefined
  /** Why a run that is not complete cannot be begun; it is thrown before anything is reserved. */
  readonly unreadable?: Error | undefined
  /** False where this process may not change outputs, so that an interrupted commit is left to Commit; default true. */
  readonly mayRoll?: boolean
}
