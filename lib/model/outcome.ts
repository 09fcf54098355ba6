/** What became of one batch: its outcome, written once and only on success, or one failure a try. */
import * as v from 'valibot'
import type { Partition } from '../paths/partition-path.ts'
import type { PendingPart } from '../store/store.ts'
import { columnsSchema, partitionSchema, type SchemaColumn, type Totals } from './manifest.ts'
import type { Reject } from './reject.ts'
import type { RangeEnds } from './share.ts'
import { type SkippedMembers, skippedSchema } from './skipped-member.ts'

/** A pending part with what its footer says. */
export interface OutcomePart extends PendingPart {
  readonly rows: number
  readonly partition?: Partition
}

/** A member extracted below the dataset's folder, pending under the outcome's token; `path` is relative to the folder. */
export interface OutcomeFile extends Pick<PendingPart, 'sizeBytes' | 'uploadId' | 'etags'> {
  readonly path: string
  readonly crc32: number
}

export interface Outcome {
  readonly batch: number
  readonly runId: string
  readonly attempt: number
  /** The token of its parts: which of several tries of this batch it was. */
  readonly token: string
  readonly parts: readonly OutcomePart[]
  readonly files?: readonly OutcomeFile[]
  /** Rows that entered the transform. */
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsRejected: number
  /** Negative when a transform makes more rows than it gets. */
  readonly rowsFiltered: number
  /** Records in the text, counted apart from the engine: rowsRead + rowsRejected, or the commit fails. */
  readonly recordsFound: number
  readonly members: number
  /** Members passed over by policy; default 0. */
  readonly membersSkipped?: number
  /** Absent where none were. */
  readonly skipped?: SkippedMembers
  /** Compressed bytes read. */
  readonly bytesIn: number
  readonly bytesInflated: number
  readonly seconds: number
  /** The slices done. */
  readonly slices: readonly number[]
  /** Where slices of a text that was cut by bytes truly began and ended: over all batches they must meet. */
  readonly ranges?: readonly RangeEnds[]
  /** Key of the rows by member, Parquet. */
  readonly accounts?: string
  /** Keys of the rejected rows, Parquet. */
  readonly rejects: readonly string[]
  /** At most ten, in the order found. */
  readonly firstRejects: readonly Reject[]
  readonly workers: readonly { readonly pid: number; readonly thread: number }[]
  readonly schema: readonly SchemaColumn[]
}

/** Why one try of a batch failed. */
export interface Failure {
  readonly batch: number
  readonly try: number
  readonly code: string
  readonly message: string
  /** Without the values of rows that `message` quotes; absent where it quotes none. */
  readonly publicMessage?: string
  /** ISO 8601. */
  readonly at: string
  readonly archive?: string
  readonly member?: string
  readonly line?: number
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const pendingEntries = {
  sizeBytes: count,
  uploadId: v.optional(v.string()),
  etags: v.optional(v.array(v.string())),
}
export const pendingPartEntries = { key: v.string(), token: v.string(), ...pendingEntries }

const rejectSchema: v.GenericSchema<unknown, Reject> = v.object({
  archive: v.string(),
  member: v.string(),
  line: v.number(),
  record: v.number(),
  column: v.string(),
  expected: v.string(),
  received: v.string(),
})

export const outcomeSchema: v.GenericSchema<unknown, Outcome> = v.object({
  batch: count,
  runId: v.string(),
  attempt: count,
  token: v.string(),
  parts: v.array(v.object({ ...pendingPartEntries, rows: count, partition: v.optional(partitionSchema) })),
  files: v.optional(v.array(v.object({ path: v.string(), crc32: count, ...pendingEntries }))),
  rowsRead: count,
  rowsWritten: count,
  rowsRejected: count,
  rowsFiltered: v.number(),
  recordsFound: count,
  members: count,
  membersSkipped: v.optional(count),
  skipped: v.optional(skippedSchema),
  bytesIn: count,
  bytesInflated: count,
  seconds: v.number(),
  slices: v.array(count),
  ranges: v.optional(v.array(v.object({ slice: count, input: count, start: count, end: count }))),
  accounts: v.optional(v.string()),
  rejects: v.array(v.string()),
  firstRejects: v.array(rejectSchema),
  workers: v.array(v.object({ pid: v.number(), thread: v.number() })),
  schema: columnsSchema,
})

export const failureSchema: v.GenericSchema<unknown, Failure> = v.object({
  batch: count,
  try: count,
  code: v.string(),
  message: v.string(),
  publicMessage: v.optional(v.string()),
  at: v.string(),
  archive: v.optional(v.string()),
  member: v.optional(v.string()),
  line: v.optional(v.number()),
})

/** All that a batch left pending: its parts, and its files as parts. `prefix` is that of the dataset's keys. */
export function pendingOf(
  { parts, files = [], token }: Pick<Outcome, 'parts' | 'files' | 'token'>,
  prefix: string,
): PendingPart[] {
  const own = parts.map(({ key, sizeBytes, token, uploadId, etags }) => ({ key, sizeBytes, token, uploadId, etags }))
  const others = files.map(({ path, sizeBytes, uploadId, etags }) => ({
    key: prefix + path,
    sizeBytes,
    token,
    uploadId,
    etags,
  }))
  return [...own, ...others].map(({ uploadId, etags, ...part }) => ({
    ...part,
    ...(uploadId !== undefined && { uploadId }),
    ...(etags && { etags }),
  }))
}

/** What the batches did, added up; bytes are those of their parts and files. */
export function totalsOf(outcomes: readonly Outcome[]): Totals {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const bytesOf = (outcome: Outcome) =>
    [...outcome.parts, ...(outcome.files ?? [])].reduce((n, p) => n + p.sizeBytes, 0)
  return {
    rows: sum(outcome => outcome.rowsWritten),
    bytes: sum(bytesOf),
    parts: sum(outcome => outcome.parts.length),
    rowsRead: sum(outcome => outcome.rowsRead),
    rowsRejected: sum(outcome => outcome.rowsRejected),
    rowsFiltered: sum(outcome => outcome.rowsFiltered),
    members: sum(outcome => outcome.members),
  }
}
