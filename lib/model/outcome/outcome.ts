/** The result of one batch: its outcome, written once and only on success, or one failure a try. */
import * as v from 'valibot'
import type { PendingPart } from '../../store/store.ts'
import { count, type DataOf } from '../json-schema.ts'
import { sumFields } from '../sum-fields.ts'
import { columnsSchema, partitionSchema, type Totals } from './manifest.ts'
import { skippedSchema } from './skipped-member.ts'

const pendingEntries = {
  sizeBytes: count,
  uploadId: v.optional(v.string()),
  etags: v.optional(v.array(v.string())),
}
export const pendingPartEntries = { key: v.string(), token: v.string(), ...pendingEntries }

const partSchema = v.object({
  ...pendingPartEntries,
  rows: count,
  partition: v.optional(partitionSchema),
  /** The bucket of its rows, where they are kept by key. */
  bucket: v.optional(count),
})
/** A pending part with the rows of its footer. */
export type OutcomePart = DataOf<typeof partSchema>

const fileSchema = v.object({
  /** Relative to the dataset's folder. */
  path: v.string(),
  crc32: count,
  ...pendingEntries,
})
/** A member extracted below the dataset's folder, pending under the outcome's token. */
export type OutcomeFile = DataOf<typeof fileSchema>

const exchangeSchema = v.object({
  /** The object in which the files stand back to back, or the folder that has them, as their names say. */
  key: v.string(),
  buckets: count,
  /** In order of bucket; a bucket may have several. */
  files: v.array(
    v.object({
      bucket: count,
      rows: count,
      bytes: count,
      name: v.optional(v.string()),
      /** Set for a chunk of a sorted run: the beginning of its first key in the order, as hex, and whether it begins a run. */
      sorted: v.optional(v.object({ from: v.string(), isFirst: v.boolean() })),
      /** The rows of each bucket, for a file that is not divided: it has rows of all buckets. */
      rowsByBucket: v.optional(v.array(count)),
    }),
  ),
})
/** The rows of a batch as the next stage reads them. */
export type ExchangedRows = DataOf<typeof exchangeSchema>

const rejectSchema = v.object({
  archive: v.string(),
  member: v.string(),
  line: v.number(),
  record: v.number(),
  column: v.string(),
  expected: v.string(),
  received: v.string(),
})

export const outcomeSchema = v.object({
  batch: count,
  runId: v.string(),
  attempt: count,
  /** The stage of the run; absent for the first. */
  stage: v.optional(count),
  /** The side of a join that the stage reads; absent for other stages. */
  side: v.optional(count),
  /** The token of its parts: tells which of several tries of this batch it was. */
  token: v.string(),
  parts: v.array(partSchema),
  files: v.optional(v.array(fileSchema)),
  /** The rows that a sink has, and the keys that they have there; `skipped` of the keys were there already. */
  delivered: v.optional(v.object({ rows: count, keys: count, skipped: count })),
  /** The place of the rows, when they go to an exchange. */
  exchange: v.optional(exchangeSchema),
  /** Rows that entered the transform. */
  rowsRead: count,
  rowsWritten: count,
  rowsRejected: count,
  /** Negative when a transform makes more rows than it gets. */
  rowsFiltered: v.number(),
  /** Records in the text, counted apart from the engine: rowsRead + rowsRejected, or the commit fails. */
  recordsFound: count,
  members: count,
  /** Bad members that were skipped; default 0. */
  membersSkipped: v.optional(count),
  /** Absent where no member was skipped. */
  skipped: v.optional(skippedSchema),
  /** Compressed bytes read. */
  bytesIn: count,
  bytesInflated: count,
  /** Row groups of Parquet files that were not read, because no row of them is needed; absent where there were none. */
  rowGroupsSkipped: v.optional(count),
  seconds: v.number(),
  /** The slices that were processed. */
  slices: v.array(count),
  /** True start and end of each slice of a text that was cut by bytes: over all batches they must meet. */
  ranges: v.optional(v.array(v.object({ slice: count, input: count, start: count, end: count }))),
  /** Key of the rows by member, Parquet. */
  accounts: v.optional(v.string()),
  /** Keys of the rejected rows, Parquet. */
  rejects: v.array(v.string()),
  /** At most ten, in the order found. */
  firstRejects: v.array(rejectSchema),
  workers: v.array(v.object({ pid: v.number(), thread: v.number() })),
  schema: columnsSchema,
})
export type Outcome = DataOf<typeof outcomeSchema>

export const failureSchema = v.object({
  batch: count,
  try: count,
  code: v.string(),
  message: v.string(),
  /** The value of a row that caused it, or the engine's words about one; absent where no row did. */
  received: v.optional(v.string()),
  /** ISO 8601. */
  at: v.string(),
  archive: v.optional(v.string()),
  member: v.optional(v.string()),
  line: v.optional(v.number()),
})
/** The reason why one try of a batch failed. */
export type Failure = DataOf<typeof failureSchema>

/** Returns all that a batch left pending: its parts, and its files as parts. `prefix` is that of the dataset's keys. */
export function pendingOf(
  { parts, files = [], token }: Pick<Outcome, 'parts' | 'files' | 'token'>,
  prefix: string,
): PendingPart[] {
  return [
    ...parts.map(({ key, sizeBytes, token, uploadId, etags }) => ({ key, sizeBytes, token, uploadId, etags })),
    ...files.map(({ path, sizeBytes, uploadId, etags }) => ({ key: prefix + path, sizeBytes, token, uploadId, etags })),
  ]
}

/**
 * Adds up what a run did: the stage that it began with, or those of the sides of a join, read, rejected and filtered rows, and its last
 * wrote them.
 */
export function totalsOfRun(outcomes: readonly Outcome[]): Totals {
  const written = totalsOf(outcomes.filter(({ exchange }) => exchange === undefined))
  const begun = outcomes.reduce((least, { stage = 0 }) => Math.min(least, stage), Number.POSITIVE_INFINITY)
  const first = outcomes.filter(({ stage = 0, side }) => stage === begun || side !== undefined)
  if (first.every(({ exchange }) => exchange === undefined)) return written
  const { rowsRead, rowsRejected, members } = totalsOf(first)
  return { ...written, rowsRead, rowsRejected, members, rowsFiltered: rowsRead - written.rows }
}

/** Adds up what the batches did; bytes are those of their parts and files. */
export function totalsOf(outcomes: readonly Outcome[]): Totals {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0)
  const bytesOf = (outcome: Outcome) =>
    [...outcome.parts, ...(outcome.files ?? [])].reduce((n, p) => n + p.sizeBytes, 0)
  return {
    rows: sum(outcome => outcome.rowsWritten),
    bytes: sum(bytesOf),
    parts: sum(outcome => outcome.parts.length),
    ...sumFields(outcomes, ['rowsRead', 'rowsRejected', 'rowsFiltered', 'members']),
  }
}
