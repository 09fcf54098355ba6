/** Plans the next stage of a run: when all batches of a stage have outcomes, the rows of its exchange are cut into slices. */
import type { CommitResult } from '../commit/commit.ts'
import { checkOutcomes, readOutcomes } from '../commit/commit-check.ts'
import type { CommitOptions } from '../commit/commit-options.ts'
import { checkCode } from '../commit/run-code.ts'
import { type Changes, voidOutcome } from '../commit/void-outcome.ts'
import type { TaskDefinition } from '../define/definition.ts'
import { textPerParquet } from '../define/formats/format-kind.ts'
import { stagesBefore, stagesOf } from '../define/tasks/task-stages.ts'
import { bucketCount } from '../exchange/bucket-count.ts'
import { exchangeSlices } from '../exchange/exchange-slices.ts'
import { sortedSlices } from '../exchange/sorted-slices.ts'
import type { PackOptions } from '../inputs/slices/plan-slices.ts'
import type { Outcome } from '../model/outcome/outcome.ts'
import type { PlanItem, SideColumns, Slice } from '../model/plan-data.ts'
import type { ReservedRun } from '../model/run/reserved-run.ts'
import { batchesOf } from '../runs/plan.ts'
import { type Actor, actorOf, effect, readState } from '../state/files.ts'
import { planFiles } from '../state/plan-files.ts'
import { exchangePrefix, invalidState, readPlan, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'

export interface StageOptions extends Omit<CommitOptions, 'plan' | 'earlier' | 'stage'> {
  readonly task: TaskDefinition
  /** The plan of a stage whose batches were processed. */
  readonly plan: readonly PlanItem[]
  /** How the slices of the next stages are packed into batches. */
  readonly packing: PackOptions
}

/** All stages have outcomes: the plan of the last, and the outcomes of those before. */
export interface LastStage {
  readonly stage: number
  readonly plan: readonly PlanItem[]
  readonly earlier: readonly Outcome[]
}

/**
 * Returns the batches that have to be processed before the run can be committed: those of the next stage, which is planned now, or those
 * whose outcomes had to be voided. May be called again, also by another process.
 * @throws as the checks of `commit`
 */
export async function enterStages(
  store: Store,
  options: StageOptions,
): Promise<LastStage | Extract<CommitResult, { done: false }>> {
  const { task, reservation, codeHash, shipped } = options
  const actor = actorOf(store, options)
  const changes: Changes = { change: (name, act) => effect(actor, name, act) }
  if (codeHash !== undefined) checkCode(reservation, { codeHash, shipped, now: actor.now() })
  const last = stagesOf(task).length - 1
  let { plan } = options
  let stage = plan[0]?.stage ?? 0
  const earlier = await earlierOutcomes(store, reservation, stage)
  while (stage < last) {
    const checked = await checkOutcomes(actor, changes, { ...options, plan, stage, earlier })
    if ('missing' in checked) {
      await voidStages(actor, changes, { task, run: reservation, from: stage + 1 })
      return { done: false, ...checked, ...(plan === options.plan ? {} : { next: plan }) }
    }
    for (const outcome of checked.outcomes) earlier.push(outcome)
    const before = new Set(stagesBefore(task, stage + 1))
    const outcomes = earlier.filter(outcome => before.has(outcome.stage ?? 0))
    plan = await planStage(actor, { ...options, stage: stage + 1, outcomes })
    stage++
    const done = new Set((await readOutcomes(store, { ...reservation, stage }, plan)).map(({ batch }) => batch))
    const missing = plan.map(({ batch }) => batch).filter(batch => !done.has(batch))
    if (missing.length > 0) return { done: false, missing, partsLost: false, next: plan }
  }
  return { stage, plan, earlier }
}

/** Removes the rows that the stages of a committed run exchanged: no one reads them any more. */
export async function removeExchange(store: Store, run: Pick<ReservedRun, 'runId' | 'attempt'>): Promise<void> {
  for await (const { key } of store.list(exchangePrefix(run))) await store.remove(key)
}

async function earlierOutcomes(store: Store, run: ReservedRun, before: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (let stage = 0; stage < before; stage++) {
    const plan = (await readState(store, runKeys(run, stage).plan, readPlan)) ?? []
    for (const outcome of await readOutcomes(store, { ...run, stage }, plan)) outcomes.push(outcome)
  }
  return outcomes
}

interface NextPlan extends StageOptions {
  readonly stage: number
  /** Those of the stage before. */
  readonly outcomes: readonly Outcome[]
}

/** Writes the plan of a stage, or returns the one that is there. */
async function planStage(
  actor: Actor,
  { task, reservation, packing, stage, outcomes }: NextPlan,
): Promise<readonly PlanItem[]> {
  const { store } = actor
  const keys = runKeys(reservation, stage)
  const kept = await readState(store, keys.plan, readPlan)
  if (kept) return kept
  const source = stagesOf(task)[stage]?.source
  if (source?.kind !== 'exchange') throw invalidState(keys.plan, `expected the plan of stage ${stage}, got none`)
  const columns = source.join && columnsOfSides(outcomes)
  const name = `rows by ${source.by.join(', ')}`
  const { slices, inputs } = source.isOrdered
    ? sortedSlices(outcomes, { name, bytesMax: packing.batchBytes })
    : exchangeSlices(outcomes, { name, columns, isKept: source.isKept })
  const batches = batchesOf(slices, packing)
  const files = planFiles(batches, inputs, { stage, buckets: bucketsOf(task, stage, batches) })
  await effect(actor, 'write-stage-members', () => store.create(keys.members(files.sha256), files.members))
  const etag = await effect(actor, 'write-stage-plan', () => store.create(keys.plan, stateBytes(files.plan)))
  // The plan of another process counts if it was first.
  const others = etag === undefined ? await readState(store, keys.plan, readPlan) : undefined
  return others ?? files.plan
}

/** Returns the columns of the left and of the right side of a join. Those of a side are the same in all of its batches. */
function columnsOfSides(outcomes: readonly Outcome[]): SideColumns {
  const [left, right] = [0, 1].map(side => {
    const found = outcomes.find(outcome => outcome.side === side && outcome.schema.length > 0)
    return found?.schema ?? []
  })
  return [left ?? [], right ?? []]
}

/** Returns the number of buckets of a stage whose rows go to an exchange. */
export function bucketsOf(
  task: TaskDefinition,
  stage: number,
  batches: readonly (readonly Slice[])[],
): number | undefined {
  const { output, source } = stagesOf(task)[stage] ?? task
  if (output.kind !== 'exchange') return undefined
  // A dataset that is kept by key has as many as its definition says.
  if (output.isKept) return output.buckets
  // Sorted runs are not divided into buckets.
  if (output.order) return 1
  const planned = batches.flat().reduce((sum, slice) => sum + slice.bytes, 0)
  // The bytes of an exchange's slices are those in memory already.
  const isCompressed = source.kind !== 'exchange' && source.format?.kind === 'parquet'
  const bytes = planned * (isCompressed ? textPerParquet : 1)
  return bucketCount({ requested: output.buckets, batches: batches.length, bytes })
}

/** Removes the plans and outcomes of later stages, which are of rows that are no longer there; the other side of a join is. */
async function voidStages(
  actor: Actor,
  changes: Changes,
  { task, run, from }: { readonly task: TaskDefinition; readonly run: ReservedRun; readonly from: number },
): Promise<void> {
  for (let stage = from; stage < stagesOf(task).length; stage++) {
    if (stagesBefore(task, stage).length === 0) continue
    const { plan: key } = runKeys(run, stage)
    const plan = await readState(actor.store, key, readPlan)
    if (!plan) return
    for (const outcome of await readOutcomes(actor.store, { ...run, stage }, plan))
      await voidOutcome(actor, changes, { ...run, stage }, outcome)
    await changes.change('void-plan', () => actor.store.remove(key))
  }
}
