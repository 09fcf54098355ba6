/** Follows a run of a deployed pipeline: reads its state again and again, and emits events. */
import type { RunEvent } from '../model/events.ts'
import { nodeNameOf } from '../model/node-name.ts'
import { type Outcome, totalsOf } from '../model/outcome.ts'
import type { PlanItem } from '../model/plan-data.ts'
import type { RunName } from '../model/run-identity.ts'
import { mapParallel, readState } from '../state/files.ts'
import { type RunRecord, readFailure, readOutcome, readPlan, readRunRecord, runKeys } from '../state/state.ts'
import { urlBelow } from '../store/roots.ts'
import type { Deployed } from './deployed.ts'

export interface RunFollower {
  readonly record: RunRecord
  /** Reads what is new, and emits it. */
  poll(): Promise<void>
  /** Compressed bytes that finished batches have read. */
  bytesIn(): number
  bytesInflated(): number
  rowGroupsSkipped(): number
}

/** Begins to follow; returns undefined when there is no such run. */
export async function followRun(
  deployed: Pick<Deployed, 'store' | 'outputSpec'>,
  name: RunName,
  emit: (event: RunEvent) => void,
): Promise<RunFollower | undefined> {
  const { store } = deployed
  const keys = runKeys(name.runId, name.attempt)
  const record = await readState(store, keys.run, readRunRecord)
  const plan = await readState(store, keys.plan, readPlan)
  if (!record || !plan) return undefined
  emitStart(deployed, { record, plan, emit })
  const outcomes: Outcomes = new Map()
  const all = (): Outcome[] => [...outcomes.values()].map(({ outcome }) => outcome)
  const emitted = new Set<string>()
  // Earlier failures are shown by `fanmill status`.
  for await (const { key } of store.list(keys.failures)) emitted.add(key)
  return {
    record,
    async poll() {
      const done = await readNewOutcomes(store, keys.outcomes, outcomes)
      const place = runPlaceOf(record)
      for (const { batch, parts } of done) emit({ event: 'batch', ...place, batch, parts: parts.length })
      if (done.length > 0) emit({ event: 'progress', ...place, ...progressOf(all()) })
      await emitFailures(store, keys.failures, { emitted, record, emit })
    },
    bytesIn: () => all().reduce((sum, outcome) => sum + outcome.bytesIn, 0),
    bytesInflated: () => progressOf(all()).bytes,
    rowGroupsSkipped: () => all().reduce((sum, outcome) => sum + (outcome.rowGroupsSkipped ?? 0), 0),
  }
}

type Outcomes = Map<string, { readonly etag: string; readonly outcome: Outcome }>

interface RunStart {
  readonly record: RunRecord
  readonly plan: readonly PlanItem[]
  readonly emit: (event: RunEvent) => void
}

function emitStart({ outputSpec }: Pick<Deployed, 'outputSpec'>, { record, plan, emit }: RunStart): void {
  const { attempt, outputPath, inputs } = record
  const place = runPlaceOf(record)
  const sum = (of: (item: PlanItem) => number): number => plan.reduce((total, item) => total + of(item), 0)
  emit({ event: 'start', ...place, attempt, output: urlBelow(outputSpec, outputPath) })
  emit({
    event: 'plan',
    ...place,
    inputs: inputs.length,
    members: sum(item => item.memberCount),
    slices: sum(item => item.sliceCount),
    batches: plan.length,
    bytes: sum(item => item.bytes),
    bytesIn: inputs.reduce((total, input) => total + input.sizeBytes, 0),
  })
}

const runPlaceOf = ({ task, params, runId }: RunRecord) => ({ ...nodeNameOf(task, params), runId })

/** Reads new outcomes. One that commit voided is removed, and is written again later. */
async function readNewOutcomes(store: Deployed['store'], prefix: string, outcomes: Outcomes): Promise<Outcome[]> {
  const there = new Map<string, string>()
  for await (const { key, etag } of store.list(prefix)) there.set(key, etag)
  for (const key of outcomes.keys()) if (!there.has(key)) outcomes.delete(key)
  const changed = [...there].filter(([key, etag]) => outcomes.get(key)?.etag !== etag)
  const found = await mapParallel(changed, async ([key, etag]) => {
    const outcome = await readState(store, key, readOutcome)
    if (outcome) outcomes.set(key, { etag, outcome })
    return outcome
  })
  return found.filter(outcome => outcome !== undefined).sort((a, b) => a.batch - b.batch)
}

function progressOf(outcomes: readonly Outcome[]) {
  const { members, rows, rowsRejected } = totalsOf(outcomes)
  const bytes = outcomes.reduce((sum, outcome) => sum + outcome.bytesInflated, 0)
  return { members, bytes, rowsWritten: rows, rowsRejected }
}

interface FailureContext {
  /** Keys of failures that were emitted. */
  readonly emitted: Set<string>
  readonly record: RunRecord
  readonly emit: (event: RunEvent) => void
}

async function emitFailures(
  store: Deployed['store'],
  prefix: string,
  { emitted, record, emit }: FailureContext,
): Promise<void> {
  for await (const { key } of store.list(prefix)) {
    const failure = emitted.has(key) ? undefined : await readState(store, key, readFailure)
    if (!failure) continue
    emitted.add(key)
    const { batch, code, message, archive, member, line } = failure
    const where = line === undefined ? '' : `, line ${line}`
    emit({
      event: 'log',
      level: 'warn',
      message: `batch ${batch} failed${where}: ${code} ${message}`,
      ...{ ...runPlaceOf(record), archive, member },
    })
  }
}
