/** Process: one batch's slices into pending parts and an outcome. May run any number of times, also beside itself. */
import { FanmillError, toPlain } from '../core/errors.ts'
import type { Outcome, OutcomePart } from '../core/outcome.ts'
import { partitionFolder } from '../core/partition-path.ts'
import type { InputObject, PlanItem, Slice } from '../core/plan-data.ts'
import { splitShares } from '../core/plan-slices.ts'
import { readSlices } from '../core/plan-files.ts'
import type { ShareJob, SharePart, ShareResult, StagedText } from '../core/share.ts'
import { outputPrefix, partName, readOutcome, runKeys, stateBytes } from '../core/state.ts'
import type { Store } from '../core/store.ts'
import type { Workers } from '../core/worker-job.ts'
import { checkRanges } from './check-ranges.ts'
import { mergeSmall } from './merge-parts.ts'
import type { ReservedRun } from './reserve.ts'
import { readState } from './state-files.ts'

export interface ProcessTools {
  readonly output: Store
  readonly workers: Workers
  /** Folder for part files on this machine, on the output's file system where that is a disk. */
  readonly partFolder: string
  /** Reads a part file or a file of rejects as bytes. */
  readFile(file: string): Promise<Uint8Array>
  /** Cuts a huge member, or a compressed file, into staged text; each is discarded when its share is done. */
  stream(slice: Extract<Slice, { kind: 'stream' }>, input: InputObject): AsyncIterable<StreamPiece>
  /** Bytes staged at once for one writer. */
  readonly groupBytes: number
  readonly partBytes: number
  readonly now: () => number
  /** Tells this try from another of the same batch. */
  readonly token: string
}

export interface StreamPiece {
  readonly staged: StagedText
  readonly bytesIn: number
  discard(): void
}

/** @throws what reading, converting or storing throws; nothing is visible then, and a failure is noted in the state */
export async function processBatch(run: ReservedRun, item: PlanItem, tools: ProcessTools): Promise<Outcome> {
  const keys = runKeys(run.runId, run.attempt)
  const done = await readState(tools.output, keys.outcome(item.batch), readOutcome)
  if (done) return done
  const started = tools.now()
  const slices = await slicesOf(run, item, tools.output)
  const results = await shareOut(run, item, slices, tools)
  checkRanges(slices, results)
  const parts = await mergeSmall(results.flatMap(result => result.parts), `${tools.partFolder}/${item.batch}-${tools.token}`, tools)
  const staged = await stageParts(run, item, parts, tools)
  const outcome = await outcomeOf(run, item, { slices, results, staged, seconds: (tools.now() - started) / 1000 }, tools)
  return settle(tools.output, keys.outcome(item.batch), outcome)
}

/** Notes why one try failed, for `status` and for commit's message. */
export async function noteFailure(run: ReservedRun, item: PlanItem, error: unknown, { output, now }: Pick<ProcessTools, 'output' | 'now'>): Promise<void> {
  const { code = 'ENGINE_FAILED', message, detail = {} } = toPlain(error)
  const text = (name: string): string | undefined => (typeof detail[name] === 'string' ? (detail[name] as string) : undefined)
  const [archive, member] = [text('archive'), text('member')]
  const line = typeof detail.line === 'number' ? { line: detail.line } : {}
  const failure = { batch: item.batch, code, message, at: new Date(now()).toISOString(), ...(archive && { archive }), ...(member && { member }), ...line }
  const keys = runKeys(run.runId, run.attempt)
  for (let attempt = 1; attempt < triesMax; attempt++)
    if ((await output.create(keys.failure(item.batch, attempt), stateBytes({ ...failure, try: attempt }))) !== undefined) return
}

const triesMax = 1000

async function slicesOf(run: ReservedRun, item: PlanItem, output: Store): Promise<Slice[]> {
  if (item.sliceCount === 0) return []
  return readSlices(await output.read(runKeys(run.runId, run.attempt).members(item.members), { range: item.range }), item)
}

/** Every share is settled before a failure leaves, so that nothing works on in folders that go. */
async function shareOut(run: ReservedRun, item: PlanItem, slices: readonly Slice[], tools: ProcessTools): Promise<ShareResult[]> {
  const streams = slices.filter(slice => slice.kind === 'stream')
  const others = slices.filter(slice => slice.kind !== 'stream')
  const shares = others.length > 0 || streams.length === 0 ? splitShares(others, tools.workers.threads) : []
  const jobs = (shares.length > 0 || streams.length > 0 ? shares : [[]]).map((share, index) => tools.workers.run<'share'>(shareJob(run, item, share, `${index}`, tools)))
  const working = [...jobs, ...streams.map(slice => streamOut(run, item, slice, tools))]
  const settled = await Promise.allSettled(working)
  const failed = settled.find(each => each.status === 'rejected')
  if (failed) throw failed.reason
  return settled.flatMap(each => (each.status === 'fulfilled' ? each.value : []))
}

function shareJob(run: ReservedRun, item: PlanItem, slices: readonly Slice[], name: string, tools: ProcessTools): ShareJob {
  const inputs = Object.fromEntries(slices.map(slice => [slice.input, run.inputs[slice.input] as InputObject]))
  const target = `${tools.partFolder}/${item.batch}-${tools.token}-${name}`
  return { kind: 'share', slices, inputs, target, groupBytes: tools.groupBytes }
}

/** Pieces go to the workers as they come, at most one waiting for each thread. */
async function streamOut(run: ReservedRun, item: PlanItem, slice: Extract<Slice, { kind: 'stream' }>, tools: ProcessTools): Promise<ShareResult[]> {
  const input = run.inputs[slice.input] as InputObject
  const results: ShareResult[] = []
  const pending = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  let piece = 0
  try {
    for await (const { staged, bytesIn, discard } of tools.stream(slice, input)) {
      const job = { ...shareJob(run, item, [], `${slice.slice}s${piece++}`, tools), staged }
      const working: Promise<void> = tools.workers
        .run<'share'>(job)
        .then(
          result => void results.push({ ...result, bytesIn, members: results.length === 0 ? 1 : 0 }),
          error => void (failure ??= { error }),
        )
        .finally(() => {
          discard()
          pending.delete(working)
        })
      pending.add(working)
      if (pending.size > tools.workers.threads) await Promise.race(pending)
      if (failure) break
    }
  } finally {
    await Promise.all(pending)
  }
  if (failure) throw failure.error
  return results
}

async function stageParts(run: ReservedRun, item: PlanItem, parts: readonly SharePart[], tools: ProcessTools): Promise<OutcomePart[]> {
  const staged: OutcomePart[] = []
  // A part without rows only carries the schema, and only when there is no other.
  const kept = parts.some(part => part.rows > 0) ? parts.filter(part => part.rows > 0) : parts.slice(0, 1)
  for (const [index, part] of kept.entries()) {
    const key = `${outputPrefix(run.outputPath)}${partitionFolder(part.partition)}${partName(item.batch, index, run)}`
    const pending = await tools.output.stagePart(key, part.file, tools.token)
    staged.push({ ...pending, rows: part.rows, ...(Object.keys(part.partition).length > 0 && { partition: part.partition }) })
  }
  return staged
}

interface Done {
  readonly slices: readonly Slice[]
  readonly results: readonly ShareResult[]
  readonly staged: readonly OutcomePart[]
  readonly seconds: number
}

async function outcomeOf(run: ReservedRun, item: PlanItem, done: Done, tools: ProcessTools): Promise<Outcome> {
  const { results, staged } = done
  const keys = runKeys(run.runId, run.attempt)
  const sum = (of: (result: ShareResult) => number): number => results.reduce((total, result) => total + of(result), 0)
  const rowsRead = sum(result => result.rowsRead)
  const rowsWritten = sum(result => result.rowsWritten)
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
    membersSkipped: sum(result => result.membersSkipped),
    bytesIn: sum(result => result.bytesIn),
    bytesInflated: sum(result => result.bytesInflated),
    seconds: done.seconds,
    slices: done.slices.map(slice => slice.slice),
    accounts: await keepAccounts(item, results, tools, keys),
    rejects: await keepRejects(item, results, tools, keys),
    firstRejects: results.flatMap(result => result.firstRejects).slice(0, 10),
    workers: [...new Map(results.map(({ worker }) => [`${worker.pid}-${worker.thread}`, worker])).values()],
    schema: results[0]?.schema ?? [],
  }
}

type RunKeys = ReturnType<typeof runKeys>

async function keepAccounts(item: PlanItem, results: readonly ShareResult[], tools: ProcessTools, keys: RunKeys): Promise<string> {
  const target = `${tools.partFolder}/${item.batch}-${tools.token}.accounts`
  await tools.workers.run<'accounts'>({ kind: 'accounts', accounts: results.flatMap(result => result.accounts), target })
  const key = keys.accounts(item.batch, tools.token)
  await tools.output.write(key, await tools.readFile(target))
  return key
}

async function keepRejects(item: PlanItem, results: readonly ShareResult[], tools: ProcessTools, keys: RunKeys): Promise<string[]> {
  const kept: string[] = []
  for (const [index, file] of results.flatMap(result => result.rejectFiles).entries()) {
    const key = keys.rejects(item.batch, `${index}-${tools.token}`)
    await tools.output.write(key, await tools.readFile(file))
    kept.push(key)
  }
  return kept
}

/** The first outcome wins; the loser gives up its parts and reports the winner's. */
async function settle(output: Store, key: string, outcome: Outcome): Promise<Outcome> {
  if ((await output.create(key, stateBytes(outcome))) !== undefined) return outcome
  const winner = await readState(output, key, readOutcome)
  if (!winner) throw new FanmillError('STORE_FAILED', `${key} was there and is not any more`, { key })
  if (winner.token !== outcome.token) for (const part of outcome.parts) await output.abortPart(part)
  return winner
}
