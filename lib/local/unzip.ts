/** `unzip`: extracts an archive's members straight into a folder, on all cores, without an engine. */
import { basename, dirname, resolve } from 'node:path'
import { nextManifest } from '../commit/next-manifest.ts'
import type { ZipMembersSource } from '../define/definition.ts'
import { zipMembers } from '../define/source.ts'
import { throwIfAborted } from '../errors/abort.ts'
import { PermanentError } from '../errors/errors.ts'
import { nearestToGlob } from '../errors/nearest.ts'
import { planMemberSlices } from '../inputs/member-slices.ts'
import { type OpenArchive, openArchive } from '../inputs/open-archive.ts'
import type { RunEvent } from '../model/events.ts'
import { filesOutcome } from '../model/files-outcome.ts'
import type { Manifest } from '../model/manifest.ts'
import { type Outcome, totalsOf } from '../model/outcome.ts'
import type { Slice } from '../model/plan-data.ts'
import { runIdOf } from '../model/run-identity.ts'
import type { WorkerMessage, WorkerResults, Workers } from '../model/worker-job.ts'
import { diskFault } from '../store/disk/fault.ts'
import { openStore, type StoreSpec } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { defaultWorkers } from '../threads/machine.ts'
import { openWorkers } from '../threads/pool.ts'
import { membersOf, sumOfSpans } from '../zip/member-list.ts'
import { checkExtractable } from '../zip/names.ts'
import { openDestination } from './unzip-destination.ts'

export interface UnzipOptions {
  /** Glob over member names; default every member. */
  readonly members?: string
  /** Threads; default as many as CPUs this process may use. */
  readonly workers?: number
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
}

export interface UnzipResult {
  readonly files: number
  /** Inflated. */
  readonly bytes: number
  readonly seconds: number
}

/**
 * Checks every member's size and CRC-32, and writes `_SUCCESS` with them last. Symbolic links become files with their target as text,
 * and permissions are this process's. Files that are there are overwritten when an extraction wrote them: those that `_SUCCESS` lists,
 * or of the same archive when it was cut short; others are left, and refused. `_SUCCESS` then lists earlier extractions too.
 * Memory: 16 MiB a thread, and the largest member below 64 MiB.
 * @throws OUTPUT_NOT_OURS, NO_INPUT, ABORTED, ZIP_*, DISK_FULL; no `_SUCCESS` is left then, and the same call begins again
 */
export async function unzip(archive: string, destination: string, options: UnzipOptions = {}): Promise<UnzipResult> {
  const startedMs = Date.now()
  const { members = '**', workers: threads = defaultWorkers(), signal, onEvent } = options
  throwIfAborted(signal)
  const file = resolve(archive)
  const input: StoreSpec = { kind: 'disk', folder: dirname(file) }
  const source = zipMembers({ paths: 'any', members })
  const progress = countProgress(onEvent)
  const setup = { input, limits: source.limits, onBadMember: 'fail' }
  const workers = openWorkers({
    entry: 'worker-extract',
    threads,
    setup,
    heapBytes: heapBytesMax,
    onMessage: progress.hear,
  })
  const stop = (): void => workers.stop()
  signal?.addEventListener('abort', stop)
  try {
    const opened = await openNamed(openStore(input), basename(file), source)
    const outcome = await extractAll({
      ...opened,
      folder: resolve(destination),
      glob: members,
      workers,
      startedMs,
      progress,
    })
    return { files: outcome.members, bytes: outcome.bytesInflated, seconds: outcome.seconds }
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    await workers.close()
  }
}

/** Of JavaScript objects: buffers of members are outside. */
const heapBytesMax = 512 * 1024 * 1024
const mebibyte = 1024 * 1024
/** Slices are small, so that threads end together; each is one read. */
const slicesPerThread = 16
const sliceBytesMax = 8 * mebibyte
const candidatesMax = 10_000

/** The archive by its name, which is no pattern. */
async function openNamed(store: Store, key: string, source: ZipMembersSource): Promise<OpenArchive> {
  const object = await store.stat(key)
  if (!object)
    throw new PermanentError('NO_INPUT', `expected an archive at ${store.url}/${key}, got no such file`, {
      archive: key,
    })
  const opened = await openArchive(source, object, { input: store })
  if (opened.members.length > 0 || source.members === '**') return opened
  const all = await openArchive({ ...source, members: '**', onBadMember: 'skip' }, object, { input: store })
  const names = nearestToGlob(
    source.members,
    Array.from(membersOf(all.members), member => member.name).slice(0, candidatesMax),
  )
  const hint = names.length > 0 ? `; nearest are ${names.join(', ')}` : ''
  throw new PermanentError('NO_INPUT', `no member of ${key} matches ${source.members}${hint}`, {
    archive: key,
    glob: source.members,
    nearest: names,
  })
}

interface Job extends OpenArchive {
  readonly folder: string
  /** Of the members. */
  readonly glob: string
  readonly workers: Workers
  readonly startedMs: number
  readonly progress: Progress
}

async function extractAll(job: Job): Promise<Outcome> {
  const { input, members, folder, workers, progress } = job
  checkExtractable(named(job))
  const slices = slicesOf(job)
  progress.plan({
    members: members.length,
    slices: slices.length,
    bytes: sumOfSpans(members, span => span.inflatedBytes),
    bytesIn: sumOfSpans(members, span => span.compressedBytes),
  })
  const destination = onDisk(folder, () =>
    openDestination(
      folder,
      input.identity,
      Array.from(membersOf(members), member => member.name),
    ),
  )
  const largestFirst = slices.toSorted((a, b) => b.bytes - a.bytes)
  const files = await settleAll(
    workers,
    largestFirst.map(slice =>
      workers.run<'extract'>({ kind: 'extract', slice, input, folder }).then(result => result.files),
    ),
  )
  const outcome = outcomeOf(job, slices, files)
  onDisk(folder, () => destination.finish(manifestOf(job, outcome, destination.previous)))
  return outcome
}

function slicesOf({ members, workers }: Job) {
  const even = Math.ceil(sumOfSpans(members, span => span.inflatedBytes) / (workers.threads * slicesPerThread))
  return planMemberSlices(members, { input: 0, sliceBytes: Math.min(sliceBytesMax, Math.max(mebibyte, even)) })
}

type Files = WorkerResults['extract']['files']

/** The first failure stops the others; all are settled before it leaves. */
async function settleAll(workers: Workers, jobs: readonly Promise<Files>[]): Promise<Files> {
  let first: { readonly error: unknown } | undefined
  const settled = await Promise.all(
    jobs.map(job =>
      job.catch(error => {
        if (!first) workers.stop()
        first ??= { error }
        return []
      }),
    ),
  )
  if (first) throw first.error
  return settled.flat()
}

function outcomeOf({ members, input, glob, startedMs }: Job, slices: readonly Slice[], files: Files): Outcome {
  if (files.length !== members.length)
    throw new PermanentError('ACCOUNT_MISMATCH', `expected ${members.length} files, got ${files.length}`)
  return filesOutcome({
    batch: 0,
    runId: runOf(input, glob),
    attempt: 1,
    token: '',
    files,
    skipped: undefined,
    bytesIn: sumOfSpans(members, span => span.compressedBytes),
    seconds: (Date.now() - startedMs) / 1000,
    slices: slices.map(slice => slice.slice),
    workers: [],
  })
}

/** Other members of the same archive are another run, so that what the one before left stays known. */
function runOf(input: OpenArchive['input'], glob: string): string {
  return runIdOf({ outputPath: '', task: 'unzip', params: { members: glob }, codeHash: '', inputs: [input] })
}

function manifestOf({ input, glob }: Job, outcome: Outcome, previous: Manifest | undefined): Manifest {
  const { runId, attempt } = outcome
  const { key, identity, sizeBytes } = input
  const run = {
    runId,
    attempt,
    task: 'unzip',
    params: { members: glob },
    codeHash: '',
    inputs: [{ key, identity, sizeBytes }],
  }
  return nextManifest(previous, {
    mode: 'append',
    generation: (previous?.generation ?? 0) + 1,
    partitionBy: [],
    run: { ...run, finishedAt: new Date().toISOString(), totals: totalsOf([outcome]) },
    outcomes: [outcome],
    prefixLength: 0,
    replaces: [],
  })
}

interface Progress {
  hear(message: WorkerMessage): void
  plan(what: {
    readonly members: number
    readonly slices: number
    readonly bytes: number
    readonly bytesIn: number
  }): void
}

/** What the threads tell, as the events of a run. */
function countProgress(onEvent: UnzipOptions['onEvent']): Progress {
  const whose = { task: 'unzip', run: '' }
  const totals = { members: 0, bytes: 0, rowsWritten: 0, rowsRejected: 0 }
  return {
    hear(message) {
      if (message.kind !== 'progress') return
      totals.members += message.members
      totals.bytes += message.bytes
      onEvent?.({ event: 'progress', ...whose, ...totals })
    },
    plan: what => onEvent?.({ event: 'plan', ...whose, archives: 1, batches: 1, ...what }),
  }
}

function onDisk<T>(folder: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw diskFault(error, 'write', folder)
  }
}

function* named({ input, members }: Job) {
  for (const { name } of membersOf(members)) yield { name, archive: input.key }
}
