/** What the state machine and the three Lambda functions tell each other, as JSON; and what the functions' asset and environment hold. */
import type { PlanItem } from '../model/plan-data.ts'
import type { RunName } from '../model/run-identity.ts'
import type { WaitAnswer, Waits } from '../model/waits.ts'

/** Given to Plan. `event` is the execution's whole input. */
export interface PlanEvent {
  readonly task: string
  /** ARN of the execution: the owner of the run. */
  readonly execution: string
  readonly event: UploadEvent | ManualEvent
  readonly waits: Waits
  /** Batches of the whole execution at once. */
  readonly maxConcurrency: number
}

/** An S3 event as EventBridge delivers it; the key is not URL-encoded. */
export interface UploadEvent {
  readonly 'detail-type': 'Object Created'
  readonly id: string
  readonly detail: {
    readonly bucket: { readonly name: string }
    readonly object: { readonly key: string; readonly size?: number; readonly etag?: string }
  }
}

/** By hand: one task, or all. */
export interface ManualEvent {
  readonly task?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly force?: boolean
  /** Of the named task: this attempt is gone on with, or it fails; never another run. */
  readonly resume?: RunName
  /** Executions known to have ended: what they held is taken over at once, not when their leases lapse. */
  readonly ended?: readonly string[]
}

/**
 * `planned`: process the items at `planKey`, then commit. `more`: the deadline was near, plan again.
 * `wait`: plan again after `waitSeconds`, because another execution has the output, or more uploads may arrive.
 * `unsettled`: a dead commit of this output must be rolled to its end first, which only Commit may do; then wait, and plan again. Plan
 * asks for `mayRoll: false`, and gives this answer on OUTPUT_UNSETTLED.
 * `continued`: the waits are used up and the place at the output is left; another execution is to begin with the same input.
 * The rest: nothing to do. `ignored` is a key that does not match, or a task that was not asked for.
 */
export type PlanAnswer =
  | ({ readonly status: 'planned'; readonly done: true } & PlannedRun)
  | {
      readonly status: 'complete' | 'busy' | 'ignored' | 'continued'
      readonly done: true
      readonly task: string
      readonly run?: Partial<RunName>
    }
  | { readonly status: 'more'; readonly done: false; readonly task: string; readonly waits: Waits }
  | ({ readonly status: 'wait'; readonly done: false; readonly task: string } & WaitAnswer)
  | ({
      readonly status: 'unsettled'
      readonly done: false
      readonly task: string
      readonly outputPath: string
    } & WaitAnswer)

/** What the states after Plan work on. */
export interface PlannedRun {
  readonly task: string
  readonly run: RunName
  /** Where the Map reads its items: a JSON array of PlanItem, of the batches without an outcome alone. */
  readonly bucket: string
  /** Full key in the bucket. */
  readonly planKey: string
  readonly waits: Waits
  /** Batches of this task at once: its share of the execution's. */
  readonly maxConcurrency: number
  /** How often pending parts of this run were lost in this execution. */
  readonly losses: number
}

/** Given to Process, once a batch and tier. */
export interface ProcessEvent {
  readonly task: string
  readonly execution: string
  readonly run: RunName
  readonly item: PlanItem
  /** Index into the pipeline's tiers; the last one has none after it. */
  readonly tier: number
}

/** Given to Commit; with `outputPath` it only settles that output's head (`settleHead`), and answers `{ done: true }`. */
export type CommitEvent =
  | CommitRunEvent
  | { readonly task: string; readonly execution: string; readonly outputPath: string }

export type CommitRunEvent = Pick<PlannedRun, 'task' | 'run' | 'waits' | 'maxConcurrency' | 'losses'> & {
  readonly execution: string
}

/**
 * Not done: commit again, after `waitSeconds` or after processing the items at `planKey` where it names one of them.
 * `supersededBy` is the run that read all that this one did, and was committed first: nothing of this one is.
 * `continued`: the waits are used up, and the run is left to the execution that is to begin with the same input.
 */
export type CommitAnswer =
  | { readonly done: true; readonly supersededBy?: string; readonly continued?: true }
  | { readonly done: false; readonly missing?: number }
  | ({ readonly done: false } & Omit<CommitRunEvent, 'execution'> & WaitAnswer)
  | ({ readonly done: false; readonly missing: number } & PlannedRun)

/** Environment variables of the functions. */
export interface LambdaEnvironment {
  /** Bucket names, and prefixes that are empty or end in a slash. */
  readonly FANMILL_INPUT_BUCKET: string
  readonly FANMILL_INPUT_PREFIX: string
  readonly FANMILL_OUTPUT_BUCKET: string
  readonly FANMILL_OUTPUT_PREFIX: string
  /** ARN of the key with which everything written is encrypted. */
  readonly FANMILL_KMS_KEY?: string
  readonly FANMILL_PIPELINE: string
  /** JSON: the tiers, smallest first; Plan sizes batches and refuses members by them. */
  readonly FANMILL_TIERS: string
  /** Of one invocation of any function; default 15 minutes. */
  readonly FANMILL_TIMEOUT_SECONDS?: string
  /** JSON: ARNs by name, of secrets that the construct was given. */
  readonly FANMILL_SECRETS?: string
  /** Start only: ARN of the state machine. */
  readonly FANMILL_STATE_MACHINE?: string
  /** Process only: those of its own tier. */
  readonly FANMILL_THREADS?: string
  readonly FANMILL_MEMORY_MB?: string
  readonly FANMILL_STORAGE_MB?: string
}

/** Names in the asset, below LAMBDA_TASK_ROOT. `worker.mjs` and `worker-extract.mjs` stand beside: the pool finds them by itself. */
export const assetNames = {
  /** The user's module, bundled; handlers and threads import it by URL and share the library's chunks with it. */
  pipeline: 'pipeline.mjs',
  /** JSON: code hash by task name. It changes together with the code, as an environment would not. */
  codeHashes: 'code-hashes.json',
  /** JSON: the columns that a task writes, by task name, where they are known before a run. */
  schemas: 'schemas.json',
  /** Files of `include`, by their path from the pipeline's folder: what `ctx.file()` resolves against. */
  files: 'files',
} as const

/** What one Process function has. A tier after another has more memory a thread. */
export interface Tier {
  readonly memoryMb: number
  readonly threads: number
  /** Of `/tmp`, 512 to 10,240. */
  readonly temporaryStorageMb: number
}
