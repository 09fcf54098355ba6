/** A run that a process has reserved, as the steps pass it on. */
import * as v from 'valibot'
import { outputKindNames } from '../../define/outputs/output-kind.ts'
import { record } from '../../errors/record-schema.ts'
import { count, type DataOf, modeSchema } from '../json-schema.ts'
import { paramsSchema } from '../outcome/manifest.ts'
import type { SkippedMembers } from '../outcome/skipped-member.ts'
import type { InputObject } from '../plan-data.ts'
import { runNameSchema } from './identity.ts'
import type { RunReason } from './reason.ts'

/** The fields of a reserved run and of its record. */
export const runEntries = {
  ...runNameSchema.entries,
  generation: count,
  outputPath: v.string(),
  mode: modeSchema,
  task: v.string(),
  params: paramsSchema,
  codeHash: v.string(),
  /** Hash of the shipped code that planned it; absent for deployed code. */
  shipped: v.optional(v.string()),
  /** ISO 8601; when the attempt began, even if another owner resumed it since. */
  startedAt: v.string(),
  /** Runs of the manifest whose place this one takes: append with `force`. */
  replaces: v.array(v.string()),
}

export const frameSchema = v.object({
  ...runEntries,
  status: v.picklist(['new', 'resume']),
  outputKind: v.picklist(outputKindNames),
  /** ISO 8601; when its owner began or resumed it. */
  reservedAt: v.string(),
  /** Etags, by number of the input, of inputs that were written again with the same content since the attempt began. */
  newEtags: record(v.string(), v.string()),
})
/** A reserved run without its inputs, of which there may be very many: a batch finds its own with its slices. */
export type RunFrame = DataOf<typeof frameSchema>

/** The run is this process's, as JSON; with `resume` there may be outcomes of an earlier owner. */
export interface ReservedRun extends RunFrame {
  /** Why the run was necessary when it began; absent for runs of older versions. */
  readonly reasons?: readonly RunReason[] | undefined
  /** Members that the plan skipped, as its record lists them. */
  readonly skipped?: SkippedMembers | undefined
  /** In the order in which the plan numbers them, pinned as in its record; an append leaves out those that the dataset holds. */
  readonly inputs: readonly InputObject[]
}
