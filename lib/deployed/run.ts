/** Follows a run of a deployed pipeline: reads its state again and again, and emits events. */
import { planEvents } from '../local/log/run-events.ts'
import type { LogMessage, RunEvent } from '../model/events.ts'
import { type Failure, type Outcome, totalsOf } from '../model/outcome/outcome.ts'
import type { RunName } from '../model/run/identity.ts'
import { nodeNameOf } from '../model/run/node-name.ts'
import { sumFields } from '../model/sum-fields.ts'
import { mapParallel, readState } from '../state/files.ts'
import { readFailure, readOutcome, readPlan, readRunRecord, runKeys } from '../state/state.ts'
import { urlBelow } from '../store/roots.ts'
import type { Deployed } from './deployed.ts'

export type RunFollower = NonNullable<Awaited<ReturnType<typeof followRun>>>

/** Begins to follow; returns undefined when there is no such run. */
export async function followRun(
  deployed: Pick<Deployed, 'store' | 'outputSpec'>,
  name: RunName,
  emit: (event: RunEvent) => void,
) {
  const { store } = deployed
  const keys = runKeys(name)
  const record = await readState(store, keys.run, readRunRecord)
  const plan = await readState(store, keys.plan, readPlan)
  if (!record || !plan) return undefined
  const memberCount = plan.reduce((sum, item) => sum + item.memberCount, 0)
  const found = { memberCount, bytesIn: sumFields(record.inputs, ['sizeBytes']).sizeBytes }
  const output = urlBelow(deployed.outputSpec, record.outputPath)
  const place = { ...nodeNameOf(record.task, record.params), runId: record.runId }
  // Why the run is necessary is only known to the execution that planned it.
  for (const event of planEvents(place, { run: { ...record, reasons: undefined }, plan }, { found, output }))
    emit(event)
  const outcomes: Outcomes = new Map()
  const all = (): Outcome[] => [...outcomes.values()].map(({ outcome }) => outcome)
  // Earlier failures are shown by `fanmill status`.
  const emitted = new Set(await Array.fromAsync(store.list(keys.failures), ({ key }) => key))
  return {
    record,
    /** Reads what is new, and emits it. */
    async poll(): Promise<void> {
      const done = await readNewOutcomes(store, keys.outcomes, outcomes)
      for (const { batch, parts } of done) emit({ event: 'batch', ...place, batch, parts: parts.length })
      if (done.length > 0) emit({ event: 'progress', ...place, ...progressOf(all()) })
      for await (const failure of newFailures(store, keys.failures, emitted))
        emit({ event: 'log', ...place, ...failureEvent(failure) })
    },
    /** Returns the compressed bytes that finished batches have read. */
    bytesIn: () => sumFields(all(), ['bytesIn']).bytesIn,
    bytesInflated: () => progressOf(all()).bytes,
    rowGroupsSkipped: () => all().reduce((sum, outcome) => sum + (outcome.rowGroupsSkipped ?? 0), 0),
  }
}

type Outcomes = Map<string, { readonly etag: string; readonly outcome: Outcome }>

/** Reads new outcomes. One that commit voided is removed, and is written again later. */
async function readNewOutcomes(store: Deployed['store'], prefix: string, outcomes: Outcomes): Promise<Outcome[]> {
  const there = new Map(await Array.fromAsync(store.list(prefix), ({ key, etag }) => [key, etag] as const))
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
  return { members, bytes: sumFields(outcomes, ['bytesInflated']).bytesInflated, rowsWritten: rows, rowsRejected }
}

/** Yields the failures that are not in `emitted`, and adds them. */
async function* newFailures(store: Deployed['store'], prefix: string, emitted: Set<string>): AsyncGenerator<Failure> {
  for await (const { key } of store.list(prefix)) {
    const failure = emitted.has(key) ? undefined : await readState(store, key, readFailure)
    if (!failure) continue
    emitted.add(key)
    yield failure
  }
}

function failureEvent({ batch, code, message, archive, member, line }: Failure): LogMessage {
  const where = line === undefined ? '' : `, line ${line}`
  return { level: 'warn', message: `batch ${batch} failed${where}: ${code} ${message}`, archive, member }
}
