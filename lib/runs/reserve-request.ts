/** The run that a process wants to reserve. */
import type { Output, OutputMode } from '../define/outputs/output-definition.ts'
import type { SkippedMembers } from '../model/outcome/skipped-member.ts'
import type { InputObject } from '../model/plan-data.ts'
import type { CodeParts } from '../model/run/code-parts.ts'
import type { RunIdentity, RunName } from '../model/run/identity.ts'
import type { RunShape } from '../model/schema-fit.ts'
import type { ActorOptions } from '../state/files.ts'

export interface ReserveRequest extends ActorOptions, RunIdentity, RunShape {
  readonly outputKind: Output['kind']
  /** Whether the path moves with the code, so that other code may have been run; default false. */
  readonly isSalted?: boolean
  /** Hash of the shipped code that runs, because some edits leave the code hash as it is; default the deployed code. */
  readonly shipped?: string | undefined
  /** Hashes of the pieces of the definition, from `codePartsOf`, to name what changed. */
  readonly codeParts?: CodeParts | undefined
  /** The word for inputs in reasons, such as `archives`; default `inputs`. */
  readonly inputNoun?: string | undefined
  /** The node whose rows are the inputs; default none. */
  readonly reads?: string | undefined
  readonly inputs: readonly InputObject[]
  /** Members that the plan skips. */
  readonly skipped?: Pick<SkippedMembers, 'count' | 'first'> | undefined
  /** Parts of a dataset that the plan leaves out; default 0. */
  readonly partsSkipped?: number | undefined
  readonly mode: OutputMode
  /** Runs again what is complete; default false. */
  readonly force?: boolean | undefined
  /** Whether the target of the task is not there, so that a run of it is not complete; default false. */
  readonly isTargetMissing?: boolean | undefined
  /** Resumes this attempt or fails: no other run is begun. */
  readonly resume?: RunName | undefined
  /** Why a run that is not complete cannot be begun; it is thrown before anything is reserved. */
  readonly unreadable?: Error | undefined
  /** False where this process may not change outputs, so that an interrupted commit is left to Commit; default true. */
  readonly mayRoll?: boolean
}
