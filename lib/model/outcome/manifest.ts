/** The manifest: the parts of a dataset that count, and where they come from; the content of `_SUCCESS`. */
import * as v from 'valibot'
import { record } from '../../errors/record-schema.ts'
import { partitionFolder } from '../../paths/partition-path.ts'
import { count, type DataOf } from '../json-schema.ts'
import { sumFields } from '../sum-fields.ts'
import { skippedSchema } from './skipped-member.ts'

/** Version of every state file and manifest; a reader refuses one that it does not know. */
export const formatVersion = 1

const totalsSchema = v.object({
  rows: count,
  bytes: count,
  parts: count,
  rowsRead: count,
  rowsRejected: count,
  rowsFiltered: v.number(),
  members: count,
})
export type Totals = DataOf<typeof totalsSchema>

export const paramsSchema = record(v.string(), v.union([v.string(), v.number(), v.boolean()]))
export const partitionSchema = record(v.string(), v.nullable(v.string()))
const columnSchema = v.object({ name: v.string(), type: v.string() })
export type SchemaColumn = DataOf<typeof columnSchema>
export const columnsSchema = v.array(columnSchema)

const inputSchema = v.object({ key: v.string(), identity: v.string(), sizeBytes: count })
export type ManifestInput = DataOf<typeof inputSchema>

const runSchema = v.object({
  runId: v.string(),
  attempt: count,
  /** The name of the pipeline, as several may write below one root; absent for runs of older versions. */
  pipeline: v.optional(v.string()),
  task: v.string(),
  params: paramsSchema,
  codeHash: v.string(),
  inputs: v.array(inputSchema),
  /** ISO 8601. */
  finishedAt: v.string(),
  totals: totalsSchema,
  /** Bad members that the source allows to skip; absent where none were. */
  skipped: v.optional(skippedSchema),
  /** Some of its partitions were replaced by a later run, so that it no longer counts as complete. */
  isReplaced: v.optional(v.boolean()),
})
/** A run whose rows are in the dataset. */
export type ManifestRun = DataOf<typeof runSchema>

const partSchema = v.object({
  /** Relative to the dataset's folder. */
  key: v.string(),
  rows: count,
  bytes: count,
  /** The store's etag when the part became visible; empty in a journal. */
  etag: v.string(),
  runId: v.string(),
  partition: v.optional(partitionSchema),
  /** The bucket of its rows, where they are kept by key. */
  bucket: v.optional(count),
})
export type ManifestPart = DataOf<typeof partSchema>

const fileSchema = v.object({
  /** Relative to the dataset's folder. */
  path: v.string(),
  sizeBytes: count,
  crc32: count,
  runId: v.string(),
})
/** A member that was extracted as it is. */
export type ManifestFile = DataOf<typeof fileSchema>

export const manifestSchema = v.object({
  fanmill: v.literal(formatVersion),
  /** Grows with every commit to this output; readers need it to equal the head's. */
  generation: count,
  task: v.string(),
  runs: v.array(runSchema),
  /** The columns of all parts. */
  schema: columnsSchema,
  partitionBy: v.array(v.string()),
  /** How rows are kept by key: each part has those of one bucket. Absent where parts are not by key. */
  bucketBy: v.optional(v.object({ columns: v.array(v.string()), buckets: count })),
  /** The order of the rows over all parts, as they are listed. Absent where parts are not in order. */
  order: v.optional(v.object({ columns: v.array(v.string()), descending: v.array(v.string()) })),
  /** Columns that parts of earlier runs do not have: their rows have null there. Absent where all parts have all columns. */
  addedColumns: v.optional(v.array(v.string())),
  /** The log of the dataset that says which parts count, where it is not this manifest. */
  log: v.optional(v.literal('delta')),
  parts: v.array(partSchema),
  files: v.optional(v.array(fileSchema)),
  totals: totalsSchema,
})
export type Manifest = DataOf<typeof manifestSchema>

/** Adds up the totals of several runs or batches. */
export function addTotals(all: readonly Totals[]): Totals {
  return sumFields(all, ['rows', 'bytes', 'parts', 'rowsRead', 'rowsRejected', 'rowsFiltered', 'members'])
}

/** Whether all that a run wrote is in the dataset. */
export function hasRun(manifest: Manifest, runId: string): boolean {
  return manifest.runs.some(run => run.runId === runId && run.isReplaced !== true)
}

/** Whether all that a run wrote is in the dataset, in partitions that hold rows of no other run. */
export function hasPartitionsAlone(manifest: Manifest, runId: string): boolean {
  const partitionOf = ({ partition = {} }: ManifestPart): string => partitionFolder(partition)
  const own = new Set(manifest.parts.filter(part => part.runId === runId).map(partitionOf))
  const isForeign = (part: ManifestPart) => part.runId !== runId && part.rows > 0 && own.has(partitionOf(part))
  return hasRun(manifest, runId) && !manifest.parts.some(isForeign)
}

/** Whether all rows of a dataset are of one run. */
export function hasOnlyRun(manifest: Manifest, runId: string): boolean {
  return hasRun(manifest, runId) && manifest.runs.filter(run => run.isReplaced !== true).length === 1
}
