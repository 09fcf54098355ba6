/** The state of runs and outputs below `.fanmill/`: where each file is, what is in it, and how it is read. */

import * as v from 'valibot'
import type { OutputMode, ParamValues } from '../define/definition.ts'
import { PermanentError, type PlainError } from '../errors/errors.ts'
import { formatVersion, type Manifest, manifestSchema, paramsSchema } from '../model/manifest.ts'
import { failureSchema, outcomeSchema, pendingPartEntries } from '../model/outcome.ts'
import type { InputObject, PlanItem } from '../model/plan-data.ts'
import { type SkippedMembers, skippedSchema } from '../model/skipped-member.ts'
import { stateRoot } from '../store/state-root.ts'
import type { PendingPart } from '../store/store.ts'

/** Who works on a run: a process, or an execution. */
export interface Owner {
  /** Unique to this process or execution. */
  readonly id: string
  readonly host: string
  readonly pid?: number
  /** ISO 8601. */
  readonly startedAt: string
}

/** A claim that lapses: taken over when `leaseUntil` (milliseconds since 1970) has passed, or its owner is known to be dead. */
export interface Lease {
  readonly owner: Owner
  readonly leaseUntil: number
  /** Its owner gave it up with the run, as `end.json` says: it did not merely lapse. Default false. */
  readonly isGivenUp?: boolean | undefined
}

/** run.json, written once. */
export interface RunRecord {
  readonly fanmill: typeof formatVersion
  readonly runId: string
  readonly attempt: number
  readonly generation: number
  readonly outputPath: string
  readonly mode: OutputMode
  readonly task: string
  readonly params: ParamValues
  readonly codeHash: string
  /** By key; pinned as when the attempt began, which is what its plan says. */
  readonly inputs: readonly InputObject[]
  /** Runs of the manifest that this one takes the place of: append with `force`. */
  readonly replaces: readonly string[]
  /** Members that their directories condemn; absent where there are none. */
  readonly skipped?: SkippedMembers
  readonly owner: Owner
  readonly leaseUntil: number
  /** ISO 8601. */
  readonly startedAt: string
}

/** A commit that began: nothing of the output may change but by its owner, or by who takes it over. */
export interface Committing extends Lease {
  readonly generation: number
  readonly runId: string
  readonly attempt: number
  /** A journal counts only for the claim that it names. */
  readonly claim: number
}

/** head.json of one output: the only state that changes, and only by If-Match. */
export interface Head {
  readonly fanmill: typeof formatVersion
  readonly outputPath: string
  /** The highest generation given to a run. */
  readonly reserved: number
  /** How many claims there were; makes every content new, so that an etag never comes back. */
  readonly claims: number
  /** What `_SUCCESS` says, or said; `manifest` is the key of its copy. */
  readonly committed?: {
    readonly generation: number
    readonly runId: string
    readonly attempt: number
    readonly manifest: string
  }
  readonly committing?: Committing
}

/** commit.json: all that a commit is going to do, written once before its first change. */
export interface Journal {
  readonly fanmill: typeof formatVersion
  readonly claim: number
  readonly outputPath: string
  readonly runId: string
  readonly attempt: number
  readonly previous?: Manifest
  /** Whether `_SUCCESS` was there when the commit began. */
  readonly isPreviousVisible: boolean
  readonly complete: readonly JournalPart[]
  /** Keys below the output root. */
  readonly remove: readonly string[]
  /** Becomes `_SUCCESS` once the etags of the new parts are known. */
  readonly next: Manifest
}

export interface JournalPart extends PendingPart {
  readonly batch: number
}

/** end.json: how an attempt ended, last time. `superseded`: a later run read all that it did, and was committed first. */
export interface RunEnd {
  readonly status: 'complete' | 'failed' | 'interrupted' | 'superseded'
  /** ISO 8601. */
  readonly at: string
  readonly error?: Pick<PlainError, 'code' | 'message' | 'detail'>
}

/** Keys of one output's state. */
export function outputKeys(outputHash: string) {
  return { head: `${stateRoot}outputs/${outputHash}/head.json`, turn: `${stateRoot}turns/${outputHash}.json` } as const
}

/** Keys of one attempt's state. */
export function runKeys(runId: string, attempt: number) {
  const folder = `${stateRoot}runs/${runId}/${attempt}/`
  return {
    folder,
    run: `${folder}run.json`,
    lease: `${folder}lease.json`,
    end: `${folder}end.json`,
    plan: `${folder}plan.json`,
    reservation: `${folder}reservation.json`,
    todo: (name: string) => `${folder}todo/${name}.json`,
    journal: `${folder}commit.json`,
    starts: `${folder}starts.json`,
    manifest: `${folder}manifest.json`,
    outcomes: `${folder}outcomes/`,
    failures: `${folder}failures/`,
    members: (sha256: string) => `${folder}members/${sha256}`,
    /** Every member that was passed over: by the plan, or in a batch. */
    skipped: (name: string) => `${folder}skipped/${name}.jsonl.gz`,
    outcome: (batch: number) => `${folder}outcomes/${batch}.json`,
    failure: (batch: number, tryNumber: number) => `${folder}failures/${batch}-${tryNumber}.json`,
    rejects: (batch: number, token: string) => `${folder}rejects/${batch}-${token}.parquet`,
    accounts: (batch: number, token: string) => `${folder}accounts/${batch}-${token}.parquet`,
    log: (token: string) => `${folder}log/${token}.jsonl`,
  } as const
}

/** Prefix of a dataset's keys. */
export function outputPrefix(outputPath: string): string {
  return outputPath === '' ? '' : `${outputPath}/`
}

/** Key of a dataset's `_SUCCESS`. */
export function successKey(outputPath: string): string {
  return `${outputPrefix(outputPath)}_SUCCESS`
}

/** Name of a part: told apart from every other batch's, run's and attempt's. */
export function partName(
  batch: number,
  index: number,
  run: { readonly runId: string; readonly attempt: number },
): string {
  return `part-${batch}-${index}-${run.runId}-${run.attempt}.parquet`
}

/** A state file as bytes: indented JSON, so that people can read it. */
export function stateBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`)
}

/** `_SUCCESS`, or its copy. @throws STATE_INVALID when it is not a manifest of this version */
export const readManifest = reader(manifestSchema)
/** An outcome. @throws STATE_INVALID */
export const readOutcome = reader(outcomeSchema)
/** A failure. @throws STATE_INVALID */
export const readFailure = reader(failureSchema)

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const ownerSchema = v.object({
  id: v.string(),
  host: v.string(),
  pid: v.optional(v.number()),
  startedAt: v.string(),
})
const leaseEntries = { owner: ownerSchema, leaseUntil: v.number() }

const leaseSchema: v.GenericSchema<unknown, Lease> = v.object({ ...leaseEntries, isGivenUp: v.optional(v.boolean()) })
/** lease.json. @throws STATE_INVALID */
export const readLease = reader(leaseSchema)

const runSchema: v.GenericSchema<unknown, RunRecord> = v.object({
  ...leaseEntries,
  fanmill: v.literal(formatVersion),
  runId: v.string(),
  attempt: count,
  generation: count,
  outputPath: v.string(),
  mode: v.picklist(['replace', 'fail', 'replacePartitions', 'append']),
  task: v.string(),
  params: paramsSchema,
  codeHash: v.string(),
  inputs: v.array(v.object({ key: v.string(), sizeBytes: count, etag: v.string(), identity: v.string() })),
  replaces: v.array(v.string()),
  skipped: v.optional(skippedSchema),
  startedAt: v.string(),
})
/** An item of plan.json, also as it comes to the one who processes it. */
export const planItemSchema: v.GenericSchema<unknown, PlanItem> = v.object({
  batch: count,
  members: v.string(),
  range: v.object({ start: count, end: count }),
  sliceCount: count,
  memberCount: count,
  bytes: count,
})
const planSchema: v.GenericSchema<unknown, PlanItem[]> = v.array(planItemSchema)
/** plan.json. @throws STATE_INVALID */
export const readPlan = reader(planSchema)
/** run.json. @throws STATE_INVALID */
export const readRunRecord = reader(runSchema)

const headSchema: v.GenericSchema<unknown, Head> = v.object({
  fanmill: v.literal(formatVersion),
  outputPath: v.string(),
  reserved: count,
  claims: count,
  committed: v.optional(v.object({ generation: count, runId: v.string(), attempt: count, manifest: v.string() })),
  committing: v.optional(
    v.object({ ...leaseEntries, generation: count, runId: v.string(), attempt: count, claim: count }),
  ),
})
/** head.json. @throws STATE_INVALID */
export const readHeadFile = reader(headSchema)

const journalSchema: v.GenericSchema<unknown, Journal> = v.object({
  fanmill: v.literal(formatVersion),
  claim: count,
  outputPath: v.string(),
  runId: v.string(),
  attempt: count,
  previous: v.optional(manifestSchema),
  isPreviousVisible: v.boolean(),
  complete: v.array(v.object({ ...pendingPartEntries, batch: count })),
  remove: v.array(v.string()),
  next: manifestSchema,
})
/** commit.json. @throws STATE_INVALID */
export const readJournal = reader(journalSchema)

const endSchema: v.GenericSchema<unknown, RunEnd> = v.object({
  status: v.picklist(['complete', 'failed', 'interrupted', 'superseded']),
  at: v.string(),
  error: v.optional(v.object({ code: v.optional(v.any()), message: v.string(), detail: v.optional(v.any()) })),
})
/** end.json. @throws STATE_INVALID */
export const readRunEnd = reader(endSchema)

/** starts.json: where slices of a text truly begin, as commit found out from their neighbours in other batches. */
export interface Starts {
  /** How often commit found neighbours that did not meet. */
  readonly rounds: number
  /** Offset by slice. */
  readonly slices: Readonly<Record<string, number>>
}

const startsSchema: v.GenericSchema<unknown, Starts> = v.object({ rounds: count, slices: v.record(v.string(), count) })
/** starts.json. @throws STATE_INVALID */
export const readStarts = reader(startsSchema)

function reader<T>(schema: v.GenericSchema<unknown, T>): (bytes: Uint8Array, key: string) => T {
  return (bytes, key) => {
    const result = v.safeParse(schema, parseJson(bytes, key))
    if (result.success) return result.output
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
    throw invalidState(key, `expected JSON, got ${bytes.length} bytes that are not`, error)
  }
}

/** For a state file that is not what its program writes. */
export function invalidState(key: string, what: string, cause?: unknown): PermanentError {
  const why = 'it was cut short, edited, or written by another version of fanmill'
  const message = `${key}: ${what}; ${why}; run the task with --force, which ${helpOf(key)}`
  return new PermanentError('STATE_INVALID', message, { key }, cause ? { cause } : undefined)
}
