/** The state of runs and outputs below `.fanmill/`: the key, content and reader of each file. */
import * as v from 'valibot'
import { type ErrorCode, PermanentError } from '../errors/errors.ts'
import { record } from '../errors/record-schema.ts'
import { count, type DataOf, modeSchema } from '../model/json-schema.ts'
import { formatVersion, manifestSchema } from '../model/outcome/manifest.ts'
import { failureSchema, outcomeSchema, pendingPartEntries } from '../model/outcome/outcome.ts'
import { skippedSchema } from '../model/outcome/skipped-member.ts'
import { inputSchema, planItemSchema } from '../model/plan-data.ts'
import { type RunName, runNameSchema, upstreamIdentitySchema } from '../model/run/identity.ts'
import { reasonSchema } from '../model/run/reason.ts'
import { frameSchema, runEntries } from '../model/run/reserved-run.ts'
import { exchangeRoot, stateRoot } from '../store/state-root.ts'

const ownerSchema = v.object({
  /** Unique to this process or execution. */
  id: v.string(),
  host: v.string(),
  pid: v.optional(v.number()),
  /** Start of the process in ticks since the machine started: numbers of processes are used again. Absent where the system does not tell. */
  ticks: v.optional(v.string()),
  /** ISO 8601. */
  startedAt: v.string(),
})
/** A process or an execution that works on a run. */
export type Owner = DataOf<typeof ownerSchema>

const leaseEntries = {
  owner: ownerSchema,
  /** Milliseconds since 1970. */
  leaseUntil: v.number(),
}
const leaseSchema = v.object({
  ...leaseEntries,
  /** The owner gave it up with the run, as `end.json` says, rather than letting it lapse. Default false. */
  isGivenUp: v.optional(v.boolean()),
})
/** lease.json: a claim that may be taken over when `leaseUntil` has passed, or when its owner is known to be dead. */
export type Lease = DataOf<typeof leaseSchema>

const runSchema = v.object({
  fanmill: v.literal(formatVersion),
  ...runEntries,
  /** Hashes of the pieces of the definition, by their names in messages. */
  codeParts: v.optional(record(v.string(), v.string())),
  /** Why the run was necessary when it began. */
  reasons: v.optional(v.array(reasonSchema)),
  /** Sorted by key; pinned as they were when the attempt began, like its plan. */
  inputs: v.array(inputSchema),
  /** The requirements of the task besides its inputs; absent where there are none. */
  upstream: v.optional(v.array(upstreamIdentitySchema)),
  /** Members that are bad by the archive's directory; absent where there are none. */
  skipped: v.optional(skippedSchema),
  /** Parts of the datasets that it reads which hold no row for its conditions; absent where there are none. */
  partsSkipped: v.optional(count),
  ...leaseEntries,
})

/** run.json, written once. */
export type RunRecord = DataOf<typeof runSchema>

const committingSchema = v.object({
  ...leaseEntries,
  generation: count,
  ...runNameSchema.entries,
  /** A journal counts only for the claim that it names. */
  claim: count,
})
/** A commit that began: only its owner, or a process that takes it over, may change the output. */
export type Committing = DataOf<typeof committingSchema>

const headSchema = v.object({
  fanmill: v.literal(formatVersion),
  outputPath: v.string(),
  /** The highest generation given to a run. */
  reserved: count,
  /** Number of claims so far; makes every content new, so that an etag never comes back. */
  claims: count,
  /** The content of `_SUCCESS`, now or earlier; `manifest` is the key of its copy. */
  committed: v.optional(v.object({ generation: count, ...runNameSchema.entries, manifest: v.string() })),
  committing: v.optional(committingSchema),
})
/** head.json of one output: the only state that changes, and only by If-Match. */
export type Head = DataOf<typeof headSchema>

const journalSchema = v.object({
  fanmill: v.literal(formatVersion),
  claim: count,
  outputPath: v.string(),
  ...runNameSchema.entries,
  /** The last stage of the run, of which the parts are; absent for the first. */
  stage: v.optional(count),
  previous: v.optional(manifestSchema),
  /** Whether `_SUCCESS` was there when the commit began. */
  isPreviousVisible: v.boolean(),
  complete: v.array(v.object({ ...pendingPartEntries, batch: count })),
  /** Keys below the output root, of parts that the next manifest no longer holds. */
  remove: v.array(v.string()),
  /** Default `parquet`, as in journals of older versions. */
  outputKind: v.optional(frameSchema.entries.outputKind),
  /** Default `replace`. */
  mode: v.optional(modeSchema),
  /** Becomes `_SUCCESS` once the etags of the new parts are known. */
  next: manifestSchema,
})
/** commit.json: every change that a commit is going to make, written once before the first. */
export type Journal = DataOf<typeof journalSchema>

const endSchema = v.object({
  status: v.picklist(['complete', 'failed', 'interrupted', 'superseded']),
  /** ISO 8601. */
  at: v.string(),
  error: v.optional(
    v.object({
      code: v.optional(v.custom<ErrorCode>(code => typeof code === 'string')),
      message: v.string(),
      detail: v.optional(record(v.string(), v.unknown())),
    }),
  ),
})
/** end.json: how an attempt last ended. `superseded`: a later run that read all of its inputs was committed first. */
export type RunEnd = DataOf<typeof endSchema>

const startsSchema = v.object({
  /** How often commit found neighbours that did not meet. */
  rounds: count,
  /** Offset by slice. */
  slices: record(v.string(), count),
})
/** starts.json: the true starts of slices of a text, which commit learned from their neighbours in other batches. */
export type Starts = DataOf<typeof startsSchema>

export function outputKeys(outputHash: string) {
  return { head: `${stateRoot}outputs/${outputHash}/head.json`, turn: `${stateRoot}turns/${outputHash}.json` } as const
}

/** Returns the keys of one attempt's state. Each stage after the first has a folder for what its batches read and write. */
export function runKeys({ runId, attempt }: RunName, stage = 0) {
  const folder = `${stateRoot}runs/${runId}/${attempt}/`
  const ofStage = stage === 0 ? folder : `${folder}stages/${stage}/`
  return {
    folder,
    run: `${folder}run.json`,
    lease: `${folder}lease.json`,
    end: `${folder}end.json`,
    reservation: `${folder}reservation.json`,
    journal: `${folder}commit.json`,
    manifest: `${folder}manifest.json`,
    stages: `${folder}stages/`,
    log: (token: string) => `${folder}log/${token}.jsonl`,
    plan: `${ofStage}plan.json`,
    todo: (name: string) => `${ofStage}todo/${name}.json`,
    starts: `${ofStage}starts.json`,
    outcomes: `${ofStage}outcomes/`,
    failures: `${ofStage}failures/`,
    members: (sha256: string) => `${ofStage}members/${sha256}`,
    /** Lists every member that the plan, or a batch, skipped. */
    skipped: (name: string) => `${ofStage}skipped/${name}.jsonl.gz`,
    outcome: (batch: number) => `${ofStage}outcomes/${batch}.json`,
    failure: (batch: number, tryNumber: number) => `${ofStage}failures/${batch}-${tryNumber}.json`,
    rejects: (batch: number, token: string) => `${ofStage}rejects/${batch}-${token}.parquet`,
    accounts: (batch: number, token: string) => `${ofStage}accounts/${batch}-${token}.parquet`,
  } as const
}

/** Returns the prefix of the rows that the stages of an attempt exchange. */
export const exchangePrefix = ({ runId, attempt }: RunName): string => `${exchangeRoot}${runId}/${attempt}/`

/** Returns the prefix of a dataset's keys. */
export function outputPrefix(outputPath: string): string {
  return outputPath === '' ? '' : `${outputPath}/`
}

/** Returns the key of a dataset's `_SUCCESS`. */
export function successKey(outputPath: string): string {
  return `${outputPrefix(outputPath)}_SUCCESS`
}

/** Returns a state file as bytes: indented JSON, so that people can read it. */
export function stateBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`)
}

/** Reads `_SUCCESS`, or its copy. @throws STATE_INVALID when it is not a manifest of this version */
export const readManifest = reader(manifestSchema)
/** Each reads one kind of state file. @throws STATE_INVALID */
export const readOutcome = reader(outcomeSchema)
export const readFailure = reader(failureSchema)
export const readLease = reader(leaseSchema)
export const readPlan = reader(v.array(planItemSchema))
export const readRunRecord = reader(runSchema)
export const readHeadFile = reader(headSchema)
export const readJournal = reader(journalSchema)
export const readRunEnd = reader(endSchema)
export const readStarts = reader(startsSchema)

/** Returns a function that parses a state file and checks its content. */
export function reader<S extends v.GenericSchema>(schema: S): (bytes: Uint8Array, key: string) => DataOf<S> {
  return (bytes, key) => {
    const result = v.safeParse(schema, parseJson(bytes, key))
    if (result.success) return result.output as DataOf<S>
    const issue = result.issues[0]
    throw invalidState(key, `${v.getDotPath(issue) ?? 'content'}: expected ${issue.expected}, got ${issue.received}`)
  }
}

function helpOf(key: string): string {
  if (key.startsWith(`${stateRoot}outputs/`)) return 'makes this file again from what is committed'
  return 'begins a new attempt and leaves this file alone'
}

function parseJson(bytes: Uint8Array, key: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw invalidState(key, `expected JSON, got ${bytes.length} bytes of something else`, error)
  }
}

/** Creates the error for a damaged state file. */
export function invalidState(key: string, what: string, cause?: unknown): PermanentError {
  const why = 'it was cut short, edited, or written by another version of fanmill'
  const message = `${key}: ${what}; ${why}; run the task with --force, which ${helpOf(key)}`
  return new PermanentError('STATE_INVALID', message, { key }, cause ? { cause } : undefined)
}
