/** Input of executions and answers of Plan and Commit, as JSON; and the contents of the functions' asset and environment. */
import * as v from 'valibot'
import { record } from '../errors/record-schema.ts'
import { count, type DataOf } from '../model/json-schema.ts'
import { type RunName, runNameSchema } from '../model/run/identity.ts'
import type { WaitAnswer, Waits } from '../model/waits.ts'
import { shippedHashSchema } from './shipment.ts'

/** An S3 event as EventBridge delivers it; the key is not URL-encoded. */
export type UploadEvent = DataOf<typeof uploadEventSchema>

export const uploadEventSchema = v.looseObject({
  'detail-type': v.literal('Object Created'),
  id: v.string(),
  detail: v.looseObject({
    bucket: v.looseObject({ name: v.string() }),
    object: v.looseObject({ key: v.string(), size: v.optional(v.number()), etag: v.optional(v.string()) }),
  }),
})

/** A run, and the stage that Process works on and Commit ends; absent for the first. */
export const runStageSchema = v.strictObject({ ...runNameSchema.entries, stage: v.optional(v.number()) })
export type RunStage = DataOf<typeof runStageSchema>

/** A request by hand, for one task or for all. A parameter may have a list or a range of values. */
export type ManualEvent = DataOf<typeof manualEventSchema>

export const manualEventSchema = v.strictObject({
  task: v.optional(v.string()),
  params: v.optional(record(v.string(), v.unknown())),
  force: v.optional(v.boolean()),
  /** Attempt of the named task to continue; it fails where that is not possible, and never becomes another run. */
  resume: v.optional(runNameSchema),
  /** Executions known to have ended: their turns and runs are taken over at once, before their leases lapse. */
  ended: v.optional(v.array(v.string())),
  /** Shipped code that this execution runs in place of the deployed code: the SHA-256 of its object below the state. */
  shipped: v.optional(shippedHashSchema),
})

/** A time of the pipeline's schedule, ISO 8601. */
export type ScheduledEvent = DataOf<typeof scheduledEventSchema>

export const scheduledEventSchema = v.strictObject({ schedule: v.strictObject({ time: v.string() }) })

/** The input that EventBridge Scheduler gives to an execution, in which it writes the time. */
export const scheduledInput: ScheduledEvent = { schedule: { time: '<aws.scheduler.scheduled-time>' } }

/** The input of an execution: what started it. */
export type ExecutionInput = UploadEvent | ScheduledEvent | ManualEvent

export const executionInputSchema = v.union([uploadEventSchema, scheduledEventSchema, manualEventSchema])

/** A node of a graph in one wave of its walk. The step is that which reads how the node ended: the one after that which gave it. */
export const nodeRefSchema = v.object({ graph: v.string(), step: count, key: v.string() })
export type NodeRef = DataOf<typeof nodeRefSchema>

/**
 * `graph`: what is requested is more than one task without requirements; the states of a graph follow.
 * `left`: another execution for the same upload waits for the output of this node, and runs it.
 * `planned`: process the items at `planKey`, then commit. `call`: let the state machine make the call first. `more`: the deadline was near, call Plan again.
 * `wait`: call Plan again after `waitSeconds`, because another execution has the output, or more uploads may arrive.
 * `unsettled`: Commit must first complete an interrupted commit of this output (Plan may not: OUTPUT_UNSETTLED); then wait, and call Plan again.
 * `continued`: the waits are used up and the turn at the output is given up; another execution begins with the same input.
 * The other statuses need no work. `ignored`: the key does not match, or the task was not requested.
 */
export type PlanAnswer =
  | ({ readonly status: 'planned'; readonly done: true } & PlannedRun)
  | ({ readonly status: 'call'; readonly done: true; readonly call: PlannedCall } & PlannedRun)
  | {
      readonly status: 'complete' | 'busy' | 'left' | 'ignored' | 'continued' | 'graph'
      readonly done: true
      readonly task: string
      readonly run?: Partial<RunName>
      /** Path of the dataset that is complete, below the output root. */
      readonly outputPath?: string
    }
  | { readonly status: 'more'; readonly done: false; readonly task: string; readonly waits: Waits }
  | ({ readonly status: 'wait'; readonly done: false; readonly task: string } & WaitAnswer)
  | ({
      readonly status: 'unsettled'
      readonly done: false
      readonly task: string
      readonly outputPath: string
    } & WaitAnswer)

/** A call that the state machine makes. */
export interface PlannedCall {
  /** The integration, which has a state of its own. */
  readonly integration: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** Input of the states after Plan. */
export interface PlannedRun {
  readonly task: string
  readonly run: RunStage
  /** Bucket of the Map's items. */
  readonly bucket: string
  /** Key of the items in the bucket: a JSON array of PlanItem, only of batches without an outcome. */
  readonly planKey: string
  readonly waits: Waits
  /** Batches of this task at once: its share of the execution's. */
  readonly maxConcurrency: number
  /** How often pending parts of this run were lost in this execution. */
  readonly losses: number
  /** Time after which a batch is tried once more on the first tier. */
  readonly timeoutSeconds: number
}

/**
 * `done: false`: call Commit again, after `waitSeconds` or after processing the items at `planKey`, where either is present.
 * `supersededBy`: a run that read all inputs of this one was committed first; nothing of this one is committed.
 * `continued`: the waits are used up, and the run is left to the execution that begins with the same input.
 */
export type CommitAnswer =
  | { readonly done: true; readonly supersededBy?: string; readonly continued?: true }
  | { readonly done: false; readonly missing?: number }
  | ({ readonly done: false } & Omit<PlannedRun, 'bucket' | 'planKey' | 'waits' | 'timeoutSeconds'> & WaitAnswer)
  | ({ readonly done: false; readonly missing: number } & PlannedRun)

/** `wave`: run its nodes, then call again. `wait`: call again after `waitSeconds`, because other processes work on all nodes that could run. */
export type GraphAnswer =
  | (GraphPlace & {
      readonly status: 'wave'
      readonly step: number
      readonly waits: Waits
      readonly bucket: string
      /** Key in the bucket of a JSON array of the nodes, each `{ key, task }`. */
      readonly waveKey: string
      readonly nodes: number
      /** Batches of each node at once: its share of the execution's. */
      readonly maxConcurrency: number
    })
  | (GraphPlace & WaitAnswer & { readonly status: 'wait'; readonly step: number })
  | (GraphPlace & { readonly status: 'continued' })
  | (GraphPlace & {
      readonly status: 'complete' | 'failed'
      /** Nodes by how they ended. */
      readonly counts: Readonly<Record<string, number>>
      /** The first failures; `fanmill status` shows all of them. */
      readonly failures?: readonly { readonly node: string; readonly code?: string; readonly message: string }[]
    })

interface GraphPlace {
  readonly graph: string
}

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
  /** `true` where executions may bring code of their own. */
  readonly FANMILL_ALLOW_SHIP?: string
  /** JSON: the tiers, smallest first; Plan sizes batches and refuses members by them. */
  readonly FANMILL_TIERS: string
  /** Timeout of any function; default 15 minutes. */
  readonly FANMILL_TIMEOUT_SECONDS?: string
  /** JSON: ARNs by name, of secrets that the construct was given. */
  readonly FANMILL_SECRETS?: string
  /** Start only: ARN of the state machine. */
  readonly FANMILL_STATE_MACHINE?: string
  /** Process only: values of its own tier. */
  readonly FANMILL_THREADS?: string
  readonly FANMILL_MEMORY_MB?: string
  readonly FANMILL_STORAGE_MB?: string
}

/** Names in the asset, below LAMBDA_TASK_ROOT. The pool finds `worker.mjs` and `worker-extract.mjs` beside them by itself. */
export const assetNames = {
  /** The user's module, bundled; handlers and threads import it by URL and share the library's chunks with it. */
  pipeline: 'pipeline.mjs',
  /** JSON: code hash by task name. It is a file because it must change together with the code; environments are updated separately. */
  codeHashes: 'code-hashes.json',
  /** JSON: the columns that a task writes, by task name, where they are known before a run. */
  schemas: 'schemas.json',
  /** The classes of errors, which shipped code shares with the functions. */
  errors: 'errors.mjs',
  /** JSON: the facts by which functions decide about shipped code. */
  shipFacts: 'ship-facts.json',
  /** Installed packages that are not bundled. */
  packages: 'node_modules',
  /** Folder of the files of `include`, by their path from the pipeline's folder: `ctx.file()` resolves against it. */
  files: 'files',
} as const

/** Resources of one Process function. Each tier has more memory for each thread than the one before. */
export interface Tier {
  /** Memory of the function in MiB, 512 to 10,240. */
  readonly memoryMb: number
  /** Worker threads in one function, which share its memory. */
  readonly threads: number
  /** Size of `/tmp` in MiB, 512 to 10,240. */
  readonly temporaryStorageMb: number
}
