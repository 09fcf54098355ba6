/** Distributes a batch's slices over the worker threads, and collects their results. */
import { areItems, areSorted, itemShares, neighbours, splitShares } from '../../inputs/slices/plan-slices.ts'
import type { SkippedMember } from '../../model/outcome/skipped-member.ts'
import type { BatchInputs, BatchWork, InputObject, PlanItem, Slice, StreamSlice } from '../../model/plan-data.ts'
import type { ShareJob, ShareResult, StagedText } from '../../model/share.ts'
import { inputOf } from '../../state/plan-files.ts'
import { settleAll } from '../../store/settle-all.ts'
import { type FinishedShare, meetRanges } from './meet-ranges.ts'
import { retryTransient } from './retry-transient.ts'
import { removeResult, runShare, type ShareRunner } from './run.ts'

export interface ShareOutTools
  extends ShareRunner,
    Pick<ShareJob, 'groupBytes' | 'partitionLimits' | 'buckets' | 'keyTypes' | 'run'> {
  /** Folder for part files on this machine, on the output's file system where that is a disk. */
  readonly partFolder: string
  /** Cuts a huge member, or a compressed file, into staged text; each piece is discarded when its share is done. */
  stream(slice: StreamSlice, input: InputObject): AsyncIterable<StreamPiece | BadStream>
  /** Streamed members that are bad are skipped; default false, so that they fail the batch. */
  readonly skipsBadMembers?: boolean
  /** Is called with each streamed member that is skipped. */
  onSkip?(member: SkippedMember): void
  /** The user's calls that a worker may have in flight, for a source that maps values; default 1. */
  readonly callsAtOnce?: number
  /** Tells this try from another of the same batch. */
  readonly token: string
}

export interface StreamPiece {
  readonly staged: StagedText
  readonly bytesIn: number
  discard(): void
}

/** Ends the stream of a member that is bad and may be skipped. */
export interface BadStream {
  readonly skipped: SkippedMember
  readonly bytesIn: number
}

/** Returns the results of all shares. Every share is settled before a failure is thrown, so that none still writes into folders that are removed. */
export async function shareOut(
  item: PlanItem,
  { slices, inputs }: BatchWork,
  tools: ShareOutTools,
): Promise<ShareResult[]> {
  const batch: Batch = { inputs, item, tools, jobs: { count: 0 } }
  const streams = slices.filter(slice => slice.kind === 'stream')
  const others = slices.filter(slice => slice.kind !== 'stream')
  const shares = others.length > 0 ? sharesOf(others, tools) : streams.length > 0 ? [] : [[]]
  return (await settleAll([sharesOut(batch, shares), ...streams.map(slice => streamOut(batch, slice))])).flat()
}

/** Splits slices over the threads: ranges of an order and values by their number, others by bytes. */
function sharesOf(slices: readonly Slice[], { workers, callsAtOnce }: ShareOutTools): readonly (readonly Slice[])[] {
  const { threads } = workers
  if (areSorted(slices)) return neighbours(slices, threads)
  return areItems(slices) ? itemShares(slices, { threads, callsAtOnce }) : splitShares(slices, threads)
}

interface Batch {
  readonly inputs: BatchInputs
  readonly item: PlanItem
  readonly tools: ShareOutTools
  /** Numbers the names of part files: a share that is repeated writes other files. */
  readonly jobs: { count: number }
}

async function sharesOut(batch: Batch, shares: readonly (readonly Slice[])[]): Promise<ShareResult[]> {
  const done = await settleAll(shares.map(slices => doShare(batch, slices)))
  const meeting = await meetRanges(done, async (share, slices) => {
    await removeFiles(share, batch.tools)
    return doShare(batch, slices)
  })
  return meeting.flatMap(share => share.results)
}

async function doShare(batch: Batch, slices: readonly Slice[]): Promise<FinishedShare> {
  return { slices, results: await runShare(jobOf(batch, slices), batch.item.batch, batch.tools) }
}

function jobOf({ inputs: all, item, tools, jobs }: Batch, slices: readonly Slice[]): ShareJob {
  const inputs = Object.fromEntries(slices.map(slice => [slice.input, inputOf(all, slice)]))
  const target = `${tools.partFolder}/${item.batch}-${tools.token}-${jobs.count++}`
  const { groupBytes, partitionLimits, buckets, keyTypes, run } = tools
  return { kind: 'share', slices, inputs, target, groupBytes, partitionLimits, buckets, keyTypes, run }
}

async function removeFiles({ results }: FinishedShare, tools: ShareOutTools): Promise<void> {
  for (const result of results) await removeResult(result, tools)
}

/** Streams a member, and repeats the whole stream when reading fails with a transient error. */
function streamOut(batch: Batch, slice: StreamSlice): Promise<ShareResult[]> {
  return retryTransient(async () => {
    const { results, failure } = await streamOnce(batch, slice)
    // Failures of shares were retried already.
    if (failure) throw new SharesFailed(failure.error)
    return results
  }, batch.tools.sleep).catch(error => {
    throw error instanceof SharesFailed ? error.cause : error
  })
}

/** Hides a failure from `retryTransient`. */
class SharesFailed extends Error {
  constructor(cause: unknown) {
    super('a share of a stream failed', { cause })
  }
}

/**
 * Gives each piece to a worker as it comes; the next one is inflated when a worker is free, so that as many CPUs are busy as there are
 * workers. Where bad members are skipped, the stream is read to its end even after a share failed: damaged bytes may be the reason.
 */
async function streamOnce(batch: Batch, slice: StreamSlice) {
  const { inputs, item, tools } = batch
  const mayBeBad = slice.member !== undefined && tools.skipsBadMembers === true
  const results: ShareResult[] = []
  let count = 0
  let bad: BadStream | undefined
  const pending = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  try {
    for await (const piece of tools.stream(slice, inputOf(inputs, slice))) {
      if ('skipped' in piece) {
        bad = piece
        break
      }
      const { staged, bytesIn, discard } = piece
      if (failure) {
        discard()
        continue
      }
      const at = count++
      const working: Promise<void> = runShare({ ...jobOf(batch, []), staged }, item.batch, tools)
        .then(
          ([result]) => {
            // In the order of the pieces, whichever thread is done first.
            if (result) results[at] = { ...result, bytesIn, members: at === 0 ? 1 : 0 }
          },
          error => {
            failure ??= { error }
          },
        )
        .finally(() => {
          discard()
          pending.delete(working)
        })
      pending.add(working)
      if (pending.size >= tools.workers.threads) await Promise.race(pending)
      if (failure && !mayBeBad) break
    }
  } finally {
    await Promise.all(pending)
  }
  return bad ? { results: await skipStream(batch, slice, bad, results) } : { results, failure }
}

/** Removes the part files of a bad member, of which the store has none yet. An empty share stands for it in the accounts. */
async function skipStream(
  batch: Batch,
  slice: StreamSlice,
  { skipped, bytesIn }: BadStream,
  results: readonly ShareResult[],
): Promise<ShareResult[]> {
  await removeFiles({ slices: [slice], results }, batch.tools)
  const empty = await runShare(jobOf(batch, []), batch.item.batch, batch.tools)
  batch.tools.onSkip?.(skipped)
  return empty.map(result => ({ ...result, skipped: [skipped], bytesIn }))
}
