/** Process: turns one batch's slices into pending parts and an outcome. May run any number of times, also at the same time. */
import { FanmillError, toPlain } from '../errors/errors.ts'
import { type Outcome, pendingOf } from '../model/outcome/outcome.ts'
import type { BatchWork, PlanItem, Slice } from '../model/plan-data.ts'
import { withRecordStarts } from '../model/range-ends.ts'
import type { RunFrame } from '../model/run/reserved-run.ts'
import { mapParallel, readState } from '../state/files.ts'
import { inputOf, readBatch } from '../state/plan-files.ts'
import { outputPrefix, readOutcome, readStarts, runKeys, stateBytes } from '../state/state.ts'
import type { PendingPart, Store } from '../store/store.ts'
import { withMethods } from '../store/with-methods.ts'
import { batchWorks } from './batch-works.ts'
import type { ProcessTools } from './process-tools.ts'

/** Returns the outcome, or the one that another try wrote first. @throws whatever reading, converting or storing throws; nothing is visible then */
export async function processBatch(run: RunFrame, item: PlanItem, tools: ProcessTools): Promise<Outcome> {
  const keys = runKeys(run, item.stage)
  const done = tools.isFirstTry ? undefined : await readState(tools.output, keys.outcome(item.batch), readOutcome)
  if (done) return done
  const started = tools.now()
  const work = await readWork(run, item, tools.output)
  const convert = batchWorks[item.buckets === undefined ? run.outputKind : 'exchange']
  const result = await abortWhenFailed(tools.output, output => convert(run, item, work, { ...tools, output }))
  const outcome = { ...result, seconds: (tools.now() - started) / 1000 }
  return writeOutcome(tools.output, run, outcome, item.stage)
}

/** Lets work store parts, which are removed when it fails: no outcome will name them. Its own error is thrown. */
async function abortWhenFailed<T>(store: Store, work: (store: Store) => Promise<T>): Promise<T> {
  const staged: PendingPart[] = []
  const stagePart: Store['stagePart'] = async (...args) => {
    const part = await store.stagePart(...args)
    staged.push(part)
    return part
  }
  try {
    return await work(withMethods(store, { stagePart }))
  } catch (error) {
    // Deliberately ignored when one cannot be removed: the reason why the batch failed matters more.
    await mapParallel(staged, part => store.abortPart(part).catch(() => undefined))
    throw error
  }
}

/** Writes why one try failed, for `status` and for commit's message. */
export async function noteFailure(
  run: RunFrame,
  item: PlanItem,
  error: unknown,
  { output, now }: Pick<ProcessTools, 'output' | 'now'>,
): Promise<void> {
  const { code = 'ENGINE_FAILED', message, detail = {} } = toPlain(error)
  const textOf = (name: string): string | undefined =>
    typeof detail[name] === 'string' && detail[name] !== '' ? detail[name] : undefined
  const failure = {
    ...{ batch: item.batch, code, message },
    at: new Date(now()).toISOString(),
    archive: textOf('archive'),
    member: textOf('member'),
    received: textOf('received'),
    line: typeof detail.line === 'number' ? detail.line : undefined,
  }
  const keys = runKeys(run, item.stage)
  for (let attempt = 1; attempt < triesMax; attempt++)
    if (
      (await output.create(keys.failure(item.batch, attempt), stateBytes({ ...failure, try: attempt }))) !== undefined
    )
      return
}

const triesMax = 1000

/** Reads the slices and inputs of a batch. Ranges that did not meet a neighbour in another batch get the start that commit wrote. */
async function readWork(run: RunFrame, item: PlanItem, output: Store): Promise<BatchWork> {
  if (item.sliceCount === 0) return { slices: [], inputs: {} }
  const keys = runKeys(run, item.stage)
  const planned = readBatch(await output.read(keys.members(item.members), { range: item.range }), item)
  const inputs = pinnedInputs(planned, run)
  if (!planned.slices.some(slice => slice.kind === 'range')) return { ...planned, inputs }
  const corrected = await readState(output, keys.starts, readStarts)
  const starts = Object.entries(corrected?.slices ?? {}).map(([slice, start]) => [Number(slice), start] as const)
  return { slices: withRecordStarts(planned.slices, new Map(starts)), inputs }
}

/** Pins inputs to the etags that the run's owner found, possibly after the plan. */
function pinnedInputs({ slices, inputs }: BatchWork, { newEtags }: RunFrame): BatchWork['inputs'] {
  const pinned = (slice: Slice) => {
    const input = inputOf(inputs, slice)
    // No input of the run.
    if (slice.kind === 'exchange') return input
    return { ...input, etag: newEtags[slice.input] ?? input.etag }
  }
  return Object.fromEntries(slices.map(slice => [slice.input, pinned(slice)]))
}

/** The first outcome wins; a later try aborts its parts and returns the winner's outcome. */
async function writeOutcome(output: Store, run: RunFrame, outcome: Outcome, stage?: number): Promise<Outcome> {
  const key = runKeys(run, stage).outcome(outcome.batch)
  if ((await output.create(key, stateBytes(outcome))) !== undefined) return outcome
  const winner = await readState(output, key, readOutcome)
  if (!winner) throw new FanmillError('STORE_FAILED', `${key} existed and was removed meanwhile; run again`, { key })
  if (winner.token !== outcome.token)
    await mapParallel(pendingOf(outcome, outputPrefix(run.outputPath)), part => output.abortPart(part))
  return winner
}
