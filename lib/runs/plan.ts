/** Plan: reserves the run of the inputs that were found and writes its batches, or finds that there is nothing to do. */

import { joinSides } from '../define/steps/join-definition.ts'
import type { FoundInputs } from '../inputs/find-inputs.ts'
import { type PackOptions, packBatches } from '../inputs/slices/plan-slices.ts'
import { skippedFile, skippedShownMax } from '../model/outcome/skipped-member.ts'
import type { PlanItem, Slice } from '../model/plan-data.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import { effect, readState } from '../state/files.ts'
import { planFiles } from '../state/plan-files.ts'
import { readPlan, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { type Reservation, reserveRun } from './reserve.ts'
import type { ReserveRequest } from './reserve-request.ts'

export interface PlanRequest extends Omit<ReserveRequest, 'inputs'>, PackOptions {
  readonly found: FoundInputs
  /** Returns the number of buckets, for a run whose rows go to an exchange. */
  bucketsFor?(batches: readonly (readonly Slice[])[], stage: number): number | undefined
}

export type Planned =
  | Exclude<Reservation, ReservedRun>
  | { readonly status: 'new' | 'resume'; readonly run: ReservedRun; readonly plan: readonly PlanItem[] }

/** Plans a run. A plan of an interrupted try is kept, because its outcomes count. @throws as `reserveRun` */
export async function plan(output: Store, request: PlanRequest): Promise<Planned> {
  const { inputs, skipped, partsSkipped, unreadable, isTargetMissing } = request.found
  const first = Iterator.from(skipped.all()).take(skippedShownMax).toArray()
  const run = await reserveRun(output, {
    ...request,
    inputs,
    unreadable,
    isTargetMissing,
    partsSkipped,
    skipped: { count: skipped.count, first },
  })
  if (run.status === 'complete' || run.status === 'busy') return run
  const kept = await keptPlan(output, run, request.found)
  if (kept) return { status: run.status, run, plan: kept }
  for (const key of run.skipped?.files ?? []) await output.create(key, skippedFile(skipped.all()))
  const sides = sidesIn(request.found.cut(run.inputs)).map(slices => batchesOf(slices, request))
  const buckets = request.bucketsFor?.(sides.flat(), request.found.firstStage ?? 0)
  let written: readonly PlanItem[] = []
  // The first stage is planned last: once its plan is there, so are the others.
  for (const [side, batches] of [...sides.entries()].reverse())
    written = await writePlan(output, { ...request, run, batches, buckets, side: sides.length > 1 ? side : undefined })
  return { status: run.status, run, plan: written }
}

/** Returns the plan of an interrupted try: that of the first stage, or of a join that began without stages for its sides. */
async function keptPlan(
  output: Store,
  run: ReservedRun,
  { sides }: FoundInputs,
): Promise<readonly PlanItem[] | undefined> {
  const first = await readState(output, runKeys(run).plan, readPlan)
  if (first || !sides || run.status === 'new') return first
  return readState(output, runKeys(run, joinSides.length).plan, readPlan)
}

interface PlanWriting extends PlanRequest {
  readonly run: ReservedRun
  readonly batches: readonly (readonly Slice[])[]
  readonly buckets: number | undefined
  /** The side of a join, which is a stage of its own. */
  readonly side: number | undefined
}

/** Writes the plan of a stage, and returns it, or that of another process which was first. */
async function writePlan(
  output: Store,
  { run, batches, buckets, side, found: { keyTypes, firstStage }, at = () => {} }: PlanWriting,
): Promise<readonly PlanItem[]> {
  const stage = side || firstStage
  const keys = runKeys(run, stage)
  const files = planFiles(batches, run.inputs, {
    stage,
    buckets,
    side,
    keyTypes: side === undefined ? undefined : keyTypes && [...keyTypes],
  })
  await effect({ at }, 'write-members', () => output.create(keys.members(files.sha256), files.members))
  const etag = await effect({ at }, 'write-plan', () => output.create(keys.plan, stateBytes(files.plan)))
  // The plan of another process counts if it was first.
  const others = etag === undefined ? await readState(output, keys.plan, readPlan) : undefined
  return others ?? files.plan
}

/** Returns the slices of each side of a join; all slices as one side for other sources. */
function sidesIn(slices: readonly Slice[]): readonly (readonly Slice[])[] {
  const isJoin = slices.some(slice => slice.kind === 'part' && slice.side !== undefined)
  if (!isJoin) return [slices]
  return joinSides.map((_, side) => slices.filter(slice => slice.kind === 'part' && slice.side === side))
}

/** Packs slices into batches; without slices, one empty batch that writes the empty dataset. */
export const batchesOf = (slices: readonly Slice[], options: PackOptions): readonly (readonly Slice[])[] =>
  slices.length === 0 ? [[]] : packBatches(slices, options)
