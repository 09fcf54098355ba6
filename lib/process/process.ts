/** Process: turns one batch's slices into pending parts and an outcome. May run any number of times, also at the same time. */
import { checkSchemas } from '../commit/accounts.ts'
import { FanmillError, toPlain } from '../errors/errors.ts'
import { type Outcome, type OutcomePart, pendingOf } from '../model/outcome.ts'
import type { BatchWork, PlanItem, Slice } from '../model/plan-data.ts'
import { withRecordStarts } from '../model/range-ends.ts'
import type { RunFrame } from '../model/reserved-run.ts'
import type { SharePart, ShareResult } from '../model/share.ts'
import { folderBytesLeft } from '../paths/partition-limits.ts'
import { partitionFolder } from '../paths/partition-path.ts'
import type { PartitionSet } from '../paths/partition-set.ts'
import { mapParallel, readState } from '../state/files.ts'
import { inputOf, readBatch } from '../state/plan-files.ts'
import { outputPrefix, partName, readOutcome, readStarts, runKeys, stateBytes } from '../state/state.ts'
import type { Store } from '../store/store.ts'
import { extractBatch } from './extract-batch.ts'
import { keepSkipped } from './keep-skipped.ts'
import { fitParts } from './merge-parts.ts'
import { retryTransient } from './retry-transient.ts'
import { type ShareOutTools, shareOut } from './share-out.ts'

export interface ProcessTools extends ShareOutTools {
  readonly output: Store
  /** Reads a part file or a file of rejects as bytes. */
  readFile(file: string): Promise<Uint8Array>
  readonly partBytes: number
  /** Partitions that the run has met so far in this process; default each batch counts its own. */
  readonly partitions?: PartitionSet | undefined
  readonly now: () => number
  /** Skips looking for an existing outcome (saves a request); set when no one can have processed this batch before. Default false. */
  readonly isFirstTry?: boolean
}

/** Returns the outcome, or the one that another try wrote first. @throws whatever reading, converting or storing throws; nothing is visible then */
export async function processBatch(run: RunFrame, item: PlanItem, tools: ProcessTools): Promise<Outcome> {
  const keys = runKeys(run.runId, run.attempt)
  const done = tools.isFirstTry ? undefined : await readState(tools.output, keys.outcome(item.batch), readOutcome)
  if (done) return done
  const started = tools.now()
  const work = await retryTransient(() => readWork(run, item, tools.output), tools.sleep)
  const result =
    run.outputKind === 'memberFiles'
      ? await extractBatch(run, item, work, tools)
      : await convertBatch(run, item, work, tools)
  const outcome = { ...result, seconds: (tools.now() - started) / 1000 }
  return retryTransient(() => writeOutcome(tools.output, run, outcome), tools.sleep)
}

async function convertBatch(
  run: RunFrame,
  item: PlanItem,
  work: BatchWork,
  tools: ProcessTools,
): Promise<Omit<Outcome, 'seconds'>> {
  const partitionLimits = { folderBytesMax: folderBytesMax(run, item, tools.output), seen: tools.partitions }
  const loading = { runId: run.runId, startedAt: run.startedAt }
  const results = await shareOut(item, work, { ...tools, partitionLimits, run: loading })
  checkSchemas(results.map(result => result.schema))
  const parts = await fitParts(
    results.flatMap(result => result.parts),
    `${tools.partFolder}/${item.batch}-${tools.token}`,
    tools,
  )
  const staged = await stageParts(run, item, parts, tools)
  return outcomeOf(run, item, { slices: work.slices, results, staged }, tools)
}

/** Bytes that folders may take in a key, with the longest part name of this batch. */
function folderBytesMax(run: RunFrame, item: PlanItem, { keyPrefix = '' }: Store): number {
  return folderBytesLeft(keyPrefix + outputPrefix(run.outputPath), partName(item.batch, partsMax, run))
}

const partsMax = 999_999

/** Writes why one try failed, for `status` and for commit's message. */
export async function noteFailure(
  run: RunFrame,
  item: PlanItem,
  error: unknown,
  { output, now }: Pick<ProcessTools, 'output' | 'now'>,
): Promise<void> {
  const { code = 'ENGINE_FAILED', message, publicMessage, detail = {} } = toPlain(error)
  const textOf = (name: string): string | undefined =>
    typeof detail[name] === 'string' && detail[name] !== '' ? detail[name] : undefined
  const failure = {
    ...{ batch: item.batch, code, message, publicMessage },
    at: new Date(now()).toISOString(),
    archive: textOf('archive'),
    member: textOf('member'),
    line: typeof detail.line === 'number' ? detail.line : undefined,
  }
  const keys = runKeys(run.runId, run.attempt)
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
  const keys = runKeys(run.runId, run.attempt)
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
    return { ...input, etag: newEtags[slice.input] ?? input.etag }
  }
  return Object.fromEntries(slices.map(slice => [slice.input, pinned(slice)]))
}

async function stageParts(
  run: RunFrame,
  item: PlanItem,
  parts: readonly SharePart[],
  tools: ProcessTools,
): Promise<OutcomePart[]> {
  const by = { runId: run.runId, attempt: run.attempt, token: tools.token }
  // A part without rows only carries the schema; it is kept only when there is no other.
  const kept = parts.some(part => part.rows > 0) ? parts.filter(part => part.rows > 0) : parts.slice(0, 1)
  return mapParallel(kept, async (part, index) => {
    const key = `${outputPrefix(run.outputPath)}${partitionFolder(part.partition)}${partName(item.batch, index, run)}`
    const pending = await retryTransient(() => tools.output.stagePart(key, part.file, by), tools.sleep)
    const isPartitioned = Object.keys(part.partition).length > 0
    return { ...pending, rows: part.rows, partition: isPartitioned ? part.partition : undefined }
  })
}

interface ProcessedSlices {
  readonly slices: readonly Slice[]
  readonly results: readonly ShareResult[]
  readonly staged: readonly OutcomePart[]
}

async function outcomeOf(
  run: RunFrame,
  item: PlanItem,
  done: ProcessedSlices,
  tools: ProcessTools,
): Promise<Omit<Outcome, 'seconds'>> {
  const { results, staged } = done
  const keys = runKeys(run.runId, run.attempt)
  const sum = (of: (result: ShareResult) => number): number => results.reduce((total, result) => total + of(result), 0)
  const rowsRead = sum(result => result.rowsRead)
  const rowsWritten = sum(result => result.rowsWritten)
  const ranges = results.flatMap(result => result.ranges)
  const accounts = await keepAccounts(item, results, tools, keys)
  const skipped = await keepSkipped(
    run,
    item.batch,
    results.flatMap(result => result.skipped),
    tools,
  )
  return {
    batch: item.batch,
    runId: run.runId,
    attempt: run.attempt,
    token: tools.token,
    parts: staged,
    rowsRead,
    rowsWritten,
    rowsRejected: sum(result => result.rowsRejected),
    rowsFiltered: rowsRead - rowsWritten,
    recordsFound: sum(result => result.recordsFound),
    members: sum(result => result.members),
    membersSkipped: skipped?.count ?? 0,
    skipped,
    bytesIn: sum(result => result.bytesIn),
    bytesInflated: sum(result => result.bytesInflated),
    slices: done.slices.map(slice => slice.slice),
    ranges: ranges.length > 0 ? ranges : undefined,
    accounts,
    rejects: await keepRejects(item, results, tools, keys),
    firstRejects: results.flatMap(result => result.firstRejects).slice(0, 10),
    workers: [...new Map(results.map(({ worker }) => [`${worker.pid}-${worker.thread}`, worker])).values()],
    schema: results.find(result => result.schema.length > 0)?.schema ?? [],
  }
}

type RunKeys = ReturnType<typeof runKeys>

async function keepAccounts(
  item: PlanItem,
  results: readonly ShareResult[],
  tools: ProcessTools,
  keys: RunKeys,
): Promise<string | undefined> {
  const files = results.flatMap(result => result.accountFiles)
  if (files.length === 0) return undefined
  const joined = `${tools.partFolder}/${item.batch}-${tools.token}.accounts`
  const target = files.length === 1 ? (files[0] as string) : joined
  if (files.length !== 1) await tools.workers.run<'accounts'>({ kind: 'accounts', files, target })
  const key = keys.accounts(item.batch, tools.token)
  await retryTransient(async () => tools.output.write(key, await tools.readFile(target)), tools.sleep)
  for (const file of new Set([...files, target])) await tools.removeFile?.(file)
  return key
}

async function keepRejects(
  item: PlanItem,
  results: readonly ShareResult[],
  tools: ProcessTools,
  keys: RunKeys,
): Promise<string[]> {
  const kept: string[] = []
  for (const [index, file] of results.flatMap(result => result.rejectFiles).entries()) {
    const key = keys.rejects(item.batch, `${index}-${tools.token}`)
    await retryTransient(async () => tools.output.write(key, await tools.readFile(file)), tools.sleep)
    kept.push(key)
  }
  return kept
}

/** The first outcome wins; a later try aborts its parts and returns the winner's outcome. */
async function writeOutcome(output: Store, run: RunFrame, outcome: Outcome): Promise<Outcome> {
  const key = runKeys(run.runId, run.attempt).outcome(outcome.batch)
  if ((await output.create(key, stateBytes(outcome))) !== undefined) return outcome
  const winner = await readState(output, key, readOutcome)
  if (!winner) throw new FanmillError('STORE_FAILED', `${key} existed and was removed meanwhile; run again`, { key })
  if (winner.token !== outcome.token)
    await mapParallel(pendingOf(outcome, outputPrefix(run.outputPath)), part => output.abortPart(part))
  return winner
}
