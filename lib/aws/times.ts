/** How long the steps take on Lambda: what was measured, what is assumed, and the arithmetic between. */
import type { TaskDefinition } from '../define/definition.ts'
import { shrinkage } from '../inputs/expected-parts.ts'
import type { Slice } from '../model/plan-data.ts'
import type { Tier } from './lambda-events.ts'
import { memoryMbPerCpu, rateOf, rates, readsAhead, requestSeconds, textBytesOf } from './tier.ts'

export type SpeedOf = Pick<TaskDefinition, 'transform' | 'output' | 'source'>

/**
 * More than a warm process takes, for the process, its code, threads and engines. Assumed: on LocalStack it was 0.6 s at best, and 2.6 to
 * 3.7 s on a machine with four times the work that it has CPUs for; neither fetches 25 MB of code.
 */
const coldSeconds = 2
/** Between what a warm process has done and its answer: 0.1 s on LocalStack, where a request takes 3 ms; seven of them in a row. */
const warmSeconds = 0.3
/** Of requests that any plan, and any commit, makes in a row. */
const requestsInRow = 20
/** Requests at once of plan and of commit, as `forEachParallel` has them. */
const requestsAtOnce = 16
/** Of one function, in and out: 600 Mbit/s, as AWS's users measure it. */
const networkBytesPerSecond = 75e6
/** Reading a directory, cutting it into slices and writing them down: 558,000 members took 10 s on a core of the reference machine. */
const membersPerSecond = 50_000
/** Objects of a page of a listing, and what a page takes; one after another. */
const pageObjects = 1000
const pageSeconds = 0.15
/** Reading the record of a run, which commit does; a batch reads only its own inputs. 558,000 of them are 100 MB, and took 1.2 s to parse. */
const inputSeconds = 5e-6
/** What the state machine takes between the steps, and to start a Map and its children; assumed. */
export const stepsSeconds = 3

/** What a plan is made of. */
export interface PlanCounts {
  /** Zip archives, whose directories are read; 0 where files are read as they are. */
  readonly archives: number
  /** Archives or files. */
  readonly objects: number
  readonly memberCount: number
}

/** Cold; a plan that an upload starts first waits 5 s for more of them, which is not in it. */
export function planSeconds(
  { archives, objects, memberCount }: PlanCounts,
  { memoryMb }: { readonly memoryMb: number },
): number {
  const cpus = Math.min(1, memoryMb / memoryMbPerCpu)
  const requests = requestsInRow + Math.ceil((2 * archives) / requestsAtOnce)
  const listing = Math.floor(objects / pageObjects) * pageSeconds
  return coldSeconds + requests * requestSeconds + listing + memberCount / membersPerSecond / cpus
}

/** Cold. */
export function commitSeconds({
  batches,
  parts,
  objects,
}: {
  readonly batches: number
  readonly parts: number
  readonly objects: number
}): number {
  const requests = requestsInRow + Math.ceil(batches / requestsAtOnce) + Math.ceil(parts / requestsAtOnce)
  return coldSeconds + requests * requestSeconds + objects * inputSeconds
}

export interface ProcessOptions {
  readonly task: SpeedOf
  readonly tier: Tier
  readonly maxConcurrency: number
  /** Of all parts. */
  readonly outBytes: number
}

export interface ProcessTimes {
  /** From the first batch's start to the last one's end. */
  readonly elapsed: number
  /** Of all invocations. */
  readonly billed: number
}

/** Batches in their order, each to the process that is free first; a process's first one finds it cold. */
export function processTimes(batches: readonly (readonly Slice[])[], options: ProcessOptions): ProcessTimes {
  const total = sum(batches.flat(), slice => slice.bytes)
  const free = Array.from({ length: Math.min(options.maxConcurrency, batches.length) }, () => 0)
  let billed = 0
  for (const slices of batches) {
    const first = free.reduce((best, at, index) => (at < (free[best] ?? 0) ? index : best), 0)
    const from = free[first] ?? 0
    const share = total > 0 ? sum(slices, slice => slice.bytes) / total : 1
    const seconds = (from === 0 ? coldSeconds : 0) + batchSeconds(slices, share * options.outBytes, options)
    free[first] = from + seconds
    billed += seconds
  }
  return { elapsed: Math.max(0, ...free), billed }
}

/** Reading goes on beside computing; parts are uploaded at the end. */
function batchSeconds(slices: readonly Slice[], outBytes: number, { task, tier }: ProcessOptions): number {
  const cpus = Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu)
  const computing = sum(slices, slice => cpuSeconds(slice, task)) / cpus
  const inflating = slices.reduce((most, slice) => Math.max(most, streamSeconds(slice)), 0)
  const reading = Math.max(
    sum(slices, bytesReadOf) / networkBytesPerSecond,
    (slices.length * requestSeconds) / (readsAhead * tier.threads),
  )
  const uploading = Math.max(outBytes / networkBytesPerSecond, uploadRequests(slices, task) * requestSeconds)
  return warmSeconds + Math.max(computing, inflating, reading) + uploading
}

/** In a row: two of each extracted member. Parts are few. */
function uploadRequests(slices: readonly Slice[], { output }: SpeedOf): number {
  if (output.kind !== 'memberFiles') return 0
  return (2 * sum(slices, slice => (slice.kind === 'members' ? slice.memberCount : 1))) / requestsAtOnce
}

function cpuSeconds(slice: Slice, task: SpeedOf): number {
  const bytes = textBytesOf(slice)
  const inflating = slice.kind === 'members' || slice.kind === 'stream' ? bytes / rates.inflate : 0
  if (task.output.kind === 'memberFiles') return inflating
  // A byte of Parquet is as many of text, and is not inflated by us.
  if (task.source.format?.kind === 'parquet') return (bytes * textPerParquetByte) / rateOf(task)
  return inflating + bytes / rateOf(task)
}

const textPerParquetByte = shrinkage({ source: { kind: 'files', paths: '' } })

/** One thread alone inflates it. */
const streamSeconds = (slice: Slice): number => (slice.kind === 'stream' ? textBytesOf(slice) / rates.inflate : 0)

/** What a slice asks of S3. */
function bytesReadOf(slice: Slice): number {
  if (slice.kind === 'members' || slice.kind === 'range') return slice.range.end - slice.range.start
  return slice.kind === 'stream' && slice.member ? slice.member.compressedBytes : slice.bytes
}

const sum = (slices: readonly Slice[], of: (slice: Slice) => number): number =>
  slices.reduce((total, slice) => total + of(slice), 0)
