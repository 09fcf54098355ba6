/**
 * An estimate of what a run costs on AWS and how long it takes: counts from the plan, times speeds measured on one machine,
 * times list prices. Nothing is simulated, and a real run may differ by a factor of two.
 */

import type { TaskDefinition } from '../define/definition.ts'
import { formatKind } from '../define/formats/format-kind.ts'
import { layoutOf, outputKind } from '../define/outputs/output-kind.ts'
import { sourcePaths } from '../define/sources/source-paths.ts'
import { expectedParts } from '../inputs/slices/expected-parts.ts'
import { packBatches } from '../inputs/slices/plan-slices.ts'
import { greatest } from '../model/greatest.ts'
import type { Slice } from '../model/plan-data.ts'
import { pieceCountOf } from '../store/upload-pieces.ts'
import type { Tier } from './lambda-events.ts'
import { type Architecture, awsPrices } from './prices.ts'
import {
  batchLimits,
  groupBytesOf,
  memoryMbPerCpu,
  modestTiers,
  rateOf,
  rates,
  readsAhead,
  requestSeconds,
  textBytesOf,
} from './tier.ts'

/** Work that a plan found. */
export interface AwsWork {
  readonly task: Pick<TaskDefinition, 'transform' | 'output' | 'source'>
  readonly slices: readonly Slice[]
  /** Archives, or files. */
  readonly objects: number
  readonly memberCount: number
}

/** Functions and concurrency that a construct deploys. */
export interface AwsPlatform {
  readonly architecture: Architecture
  /** Smallest first; the estimate assumes that every batch fits the first. */
  readonly tiers: readonly [Tier, ...Tier[]]
  /** Memory of Plan and of Commit. */
  readonly memoryMb: number
  readonly maxConcurrency: number
}

/** The construct's defaults. */
export const defaultPlatform: AwsPlatform = {
  architecture: 'arm64',
  tiers: modestTiers,
  memoryMb: 1769,
  maxConcurrency: 100,
}

/** Show `seconds` and `dollars` with two digits at most: only the arithmetic is exact. */
export interface AwsEstimate extends Amounts {
  readonly dollars: number
  /** Time from the start of the execution to `_SUCCESS`. */
  readonly seconds: number
  /** Seconds of the three steps; the rest of `seconds` is the state machine's. */
  readonly stepSeconds: { readonly plan: number; readonly process: number; readonly commit: number }
  readonly batches: number
  readonly parts: number
  /** Executions of uploads that find their object in a run already; not in `dollars`. */
  readonly uploads: { readonly executions: number; readonly dollars: number; readonly lines: readonly CostLine[] }
  /** The bill: `dollars` is the sum of these lines. */
  readonly lines: readonly CostLine[]
  readonly platform: AwsPlatform
  readonly prices: { readonly region: string; readonly date: string }
  readonly assumptions: readonly string[]
}

/** Amounts of what AWS sells. */
export interface Amounts {
  /** Memory times time of all invocations. */
  readonly gbSeconds: number
  /** Temporary storage above what each function has for nothing, times time. */
  readonly storageGbSeconds: number
  readonly invocations: number
  readonly transitions: number
  readonly s3: { readonly reads: number; readonly writes: number }
  readonly logBytes: number
}

export interface CostLine {
  readonly what: string
  readonly amount: number
  /** Dollars for one. */
  readonly price: number
  readonly dollars: number
}

const assumptions: readonly string[] = [
  'measured rates times counts of the plan, not a simulation: expect a factor of two',
  'one execution for this task alone, and nothing tried again',
  'a virtual CPU (1,769 MB) does what a core of the reference machine does: 47 MB of CSV a second from zip to Parquet, not measured on AWS',
  'a cold start takes 2 s, where LocalStack took 0.6 s at best and 3.7 s on an overloaded machine; a request to S3 takes 30 ms',
  'parts as without partitions; each partition adds some',
  'list prices of the first tier; no free tier, no storage, no dashboard, no retries',
]

/** Start of a new process with its code, threads and engines. */
const coldSeconds = 2
/** Requests of a batch one after another, beside its work. */
const batchSeconds = 0.3
/** Requests one after another of every plan and every commit. */
const stepRequests = 20
/** Requests at once of Plan and of Commit, and of uploads of members. */
const requestsAtOnce = 16
/** Reading a directory and cutting it into slices: 558,000 members took 10 s on one core. */
const membersPerSecond = 50_000
/** A page of a listing has a thousand objects and takes 0.15 s. */
const listSeconds = 0.15 / 1000
/** Reading one input of a run's record in Commit. */
const inputSeconds = 5e-6
/** Time of the state machine between the steps. */
const machineSeconds = 3
/** Bytes of the log lines of one invocation. */
const logBytes = 2000
/** Metrics of Process: rows, bytes, rejects, speed, memory. */
const metricCount = 5

/** Estimates an execution for this task alone in which nothing is tried again. */
export function estimateOnAws(work: AwsWork, platform: AwsPlatform = defaultPlatform): AwsEstimate {
  const { task, slices, objects, memberCount } = work
  const { architecture, maxConcurrency, memoryMb } = platform
  const [tier] = platform.tiers
  const archives = task.source.kind === 'zipMembers' ? objects : 0
  const batches = slices.length === 0 ? [[]] : packBatches(slices, batchLimits(task, tier))
  const parts = partsOf(work, batches, tier)
  const counts = { archives, objects, batches: batches.length, slices: slices.length, ...parts }
  const processes = Math.min(maxConcurrency, batches.length)
  const seconds = batches.map(batch => secondsOf(batch, task, tier))
  const billed = seconds.reduce((sum, each) => sum + each, 0) + processes * coldSeconds
  const cpus = Math.min(1, memoryMb / memoryMbPerCpu)
  const stepSeconds = {
    plan:
      coldSeconds +
      (stepRequests + (2 * archives) / requestsAtOnce) * requestSeconds +
      objects * listSeconds +
      memberCount / membersPerSecond / cpus,
    process: Math.max(billed / processes, coldSeconds + greatest(seconds, each => each)),
    commit:
      coldSeconds +
      (stepRequests + (batches.length + parts.count) / requestsAtOnce) * requestSeconds +
      objects * inputSeconds,
  }
  const amounts: Amounts = {
    gbSeconds: ((stepSeconds.plan + stepSeconds.commit) * memoryMb + billed * tier.memoryMb) / 1024,
    storageGbSeconds: (billed * Math.max(0, tier.temporaryStorageMb - awsPrices.lambda.storageFreeMb)) / 1024,
    invocations: batches.length + 2,
    transitions: transitionsOf(batches.length),
    s3: requestsOf(counts),
    logBytes: (batches.length + 2) * logBytes,
  }
  const total = stepSeconds.plan + stepSeconds.process + stepSeconds.commit + machineSeconds
  const lines = costLines(amounts, architecture, Math.ceil(total / 3600))
  return {
    ...amounts,
    dollars: dollarsOf(lines),
    seconds: total,
    stepSeconds,
    batches: batches.length,
    parts: parts.count,
    uploads: estimateUploads(sourcePaths(task.source).length > 0 ? objects : 0, platform),
    lines,
    platform,
    prices: { region: awsPrices.region, date: awsPrices.date },
    assumptions,
  }
}

/** Seconds of a warm process: the slowest of computing, of one thread's inflating and of reading; uploads of members come after. */
function secondsOf(slices: readonly Slice[], task: AwsWork['task'], tier: Tier): number {
  const cpus = Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu)
  const sum = (of: (slice: Slice) => number): number => slices.reduce((total, slice) => total + of(slice), 0)
  const inflating = (slice: Slice): number =>
    slice.kind === 'members' || slice.kind === 'stream' ? textBytesOf(slice) / rates.inflate : 0
  const isWhole = !layoutOf(task.output)
  const { format } = task.source
  const textPerByte = format ? formatKind(format).textPerByte : 1
  const converting = isWhole ? 0 : (sum(textBytesOf) * textPerByte) / rateOf(task)
  const streaming = slices.reduce(
    (most, slice) => (slice.kind === 'stream' ? Math.max(most, inflating(slice)) : most),
    0,
  )
  const reading = (slices.length * requestSeconds) / (readsAhead * tier.threads)
  const uploads =
    outputKind(task.output).adds === 'members'
      ? 2 * sum(slice => (slice.kind === 'members' ? slice.memberCount : 1))
      : 0
  return (
    batchSeconds +
    Math.max((sum(inflating) + converting) / cpus, streaming, reading) +
    (uploads * requestSeconds) / requestsAtOnce
  )
}

/** Executions that list the inputs, read and write the turn of the output, and find nothing to do: all uploads but one. */
function estimateUploads(objects: number, { memoryMb, architecture }: AwsPlatform): AwsEstimate['uploads'] {
  const executions = Math.max(0, objects - 1)
  const seconds = coldSeconds + stepRequests * requestSeconds + objects * listSeconds
  const lines = costLines(
    {
      gbSeconds: (executions * seconds * memoryMb) / 1024,
      storageGbSeconds: 0,
      invocations: executions,
      // Four states of the machine, three of the task.
      transitions: executions * 7,
      s3: { reads: executions * 4, writes: executions * (2 + Math.ceil(objects / 1000)) },
      logBytes: executions * logBytes,
    },
    architecture,
    0,
  )
  return { executions, dollars: dollarsOf(lines), lines }
}

/** Estimates the parts: extracted members are objects of their own, other parts have about one size. `pieces` are those of all uploads. */
function partsOf({ task, slices, memberCount }: AwsWork, batches: readonly (readonly Slice[])[], tier: Tier) {
  const { count, bytes } =
    outputKind(task.output).adds === 'members'
      ? { count: memberCount, bytes: slices.reduce((sum, slice) => sum + slice.bytes, 0) }
      : expectedParts(task, batches, { threads: tier.threads, groupBytes: groupBytesOf(tier) })
  return { count, pieces: count * pieceCountOf(bytes / Math.max(1, count)) }
}

/** States entered without a retry: four of the machine, six of the task; each batch is one, and one more for being a child of the Map. */
export const transitionsOf = (batches: number): number => 4 + 6 + 2 * batches

/** Counts of a run; `count` is that of its parts, `pieces` of their uploads. */
type RequestCounts = Record<'archives' | 'objects' | 'batches' | 'slices' | 'count' | 'pieces', number>

/**
 * Requests to S3 of the functions and of the Map, counted on LocalStack for a task without tables and an empty output.
 * Listings are priced as writes.
 */
export function requestsOf({ archives, objects, batches, slices, count, pieces }: RequestCounts): Amounts['s3'] {
  const pages = Math.floor(objects / 1000) + 3 * Math.floor(count / 1000)
  return { reads: 21 + 2 * archives + 5 * batches + slices, writes: 23 + pages + 2 * batches + 2 * count + pieces }
}

function costLines(amounts: Amounts, architecture: Architecture, hours: number): readonly CostLine[] {
  const { lambda, steps, s3, cloudWatch } = awsPrices
  const bill: readonly (readonly [string, number, number])[] = [
    [`Lambda, GB-seconds of memory (${architecture})`, amounts.gbSeconds, lambda.gbSecond[architecture]],
    ['Lambda, GB-seconds of temporary storage', amounts.storageGbSeconds, lambda.storageGbSecond],
    ['Lambda, invocations', amounts.invocations, lambda.request],
    ['Step Functions, state transitions', amounts.transitions, steps.transition],
    ['S3, writes and listings', amounts.s3.writes, s3.write],
    ['S3, reads', amounts.s3.reads, s3.read],
    ['CloudWatch, GB of logs', amounts.logBytes / 1e9, cloudWatch.logsGb],
    ['CloudWatch, metrics by the hour', metricCount * hours, cloudWatch.metricHour],
  ]
  return bill.map(([what, amount, price]) => ({ what, amount, price, dollars: amount * price }))
}

const dollarsOf = (lines: readonly CostLine[]): number => lines.reduce((sum, line) => sum + line.dollars, 0)
