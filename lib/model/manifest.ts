/** The manifest: the parts of a dataset that count, and where they come from; the content of `_SUCCESS`. */

import * as v from 'valibot'
import type { ParamValues } from '../define/definition.ts'
import type { Partition } from '../paths/partition-path.ts'
import { type SkippedMembers, skippedSchema } from './skipped-member.ts'

/** Version of every state file and manifest; a reader refuses one that it does not know. */
export const formatVersion = 1

export interface Totals {
  readonly rows: number
  readonly bytes: number
  readonly parts: number
  readonly rowsRead: number
  readonly rowsRejected: number
  readonly rowsFiltered: number
  readonly members: number
}

export interface ManifestInput {
  readonly key: string
  readonly identity: string
  readonly sizeBytes: number
}

/** A run whose rows are in the dataset. */
export interface ManifestRun {
  readonly runId: string
  readonly attempt: number
  readonly task: string
  readonly params: ParamValues
  readonly codeHash: string
  readonly inputs: readonly ManifestInput[]
  /** ISO 8601. */
  readonly finishedAt: string
  readonly totals: Totals
  /** Members that were bad and passed over, as the source allows it; absent where none were. */
  readonly skipped?: SkippedMembers
  /** Some of its partitions were replaced by a later run, so that it no longer counts as complete. */
  readonly isReplaced?: boolean
}

export interface SchemaColumn {
  readonly name: string
  readonly type: string
}

export interface ManifestPart {
  /** Relative to the dataset's folder. */
  readonly key: string
  readonly rows: number
  readonly bytes: number
  /** As the store gave it when the part became visible; empty in a journal. */
  readonly etag: string
  readonly runId: string
  readonly partition?: Partition
}

/** A member that was extracted as it is. */
export interface ManifestFile {
  /** Relative to the dataset's folder. */
  readonly path: string
  readonly sizeBytes: number
  readonly crc32: number
  readonly runId: string
}

export interface Manifest {
  readonly fanmill: typeof formatVersion
  /** Grows with every commit to this output; readers need it to equal the head's. */
  readonly generation: number
  readonly task: string
  readonly runs: readonly ManifestRun[]
  /** Of the whole dataset: the columns of all its parts. */
  readonly schema: readonly SchemaColumn[]
  readonly partitionBy: readonly string[]
  /** Columns that parts of earlier runs do not have: their rows have null there. Absent where all parts have all columns. */
  readonly addedColumns?: readonly string[]
  readonly parts: readonly ManifestPart[]
  readonly files?: readonly ManifestFile[]
  readonly totals: Totals
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
export const paramsSchema = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))
export const partitionSchema = v.record(v.string(), v.nullable(v.string()))
export const columnsSchema = v.array(v.object({ name: v.string(), type: v.string() }))

const totalsSchema = v.object({
  rows: count,
  bytes: count,
  parts: count,
  rowsRead: count,
  rowsRejected: count,
  rowsFiltered: v.number(),
  members: count,
})

export const manifestSchema: v.GenericSchema<unknown, Manifest> = v.object({
  fanmill: v.literal(formatVersion),
  generation: count,
  task: v.string(),
  runs: v.array(
    v.object({
      runId: v.string(),
      attempt: count,
      task: v.string(),
      params: paramsSchema,
      codeHash: v.string(),
      inputs: v.array(v.object({ key: v.string(), identity: v.string(), sizeBytes: count })),
      finishedAt: v.string(),
      totals: totalsSchema,
      skipped: v.optional(skippedSchema),
      isReplaced: v.optional(v.boolean()),
    }),
  ),
  schema: columnsSchema,
  partitionBy: v.array(v.string()),
  addedColumns: v.optional(v.array(v.string())),
  parts: v.array(
    v.object({
      key: v.string(),
      rows: count,
      bytes: count,
      etag: v.string(),
      runId: v.string(),
      partition: v.optional(partitionSchema),
    }),
  ),
  files: v.optional(v.array(v.object({ path: v.string(), sizeBytes: count, crc32: count, runId: v.string() }))),
  totals: totalsSchema,
})

/** Sums of what several runs or batches did. */
export function addTotals(all: readonly Totals[]): Totals {
  const sum = (of: (totals: Totals) => number) => all.reduce((total, one) => total + of(one), 0)
  return {
    rows: sum(one => one.rows),
    bytes: sum(one => one.bytes),
    parts: sum(one => one.parts),
    rowsRead: sum(one => one.rowsRead),
    rowsRejected: sum(one => one.rowsRejected),
    rowsFiltered: sum(one => one.rowsFiltered),
    members: sum(one => one.members),
  }
}

/** Whether all that a run wrote is in the dataset. */
export function hasRun(manifest: Manifest, runId: string): boolean {
  return manifest.runs.some(run => run.runId === runId && run.isReplaced !== true)
}

/** Whether all rows of a dataset are of one run. */
export function hasOnlyRun(manifest: Manifest, runId: string): boolean {
  return hasRun(manifest, runId) && manifest.runs.filter(run => run.isReplaced !== true).length === 1
}
