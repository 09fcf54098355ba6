/** What a run would take on AWS, in seconds and dollars, from its plan: arithmetic over measured speeds and list prices. */
import type { TaskDefinition } from '../define/definition.ts'
import { expectedParts } from '../inputs/expected-parts.ts'
import { packBatches } from '../inputs/plan-slices.ts'
import type { Slice } from '../model/plan-data.ts'
import { pieceCountOf } from '../store/upload-pieces.ts'
import { type Amounts, type CostLine, costLines } from './cost.ts'
import type { Tier } from './lambda-events.ts'
import { type Architecture, awsPrices } from './prices.ts'
import { batchLimits, groupBytesOf, modestTiers } from './tier.ts'
import { commitSeconds, planSeconds, processTimes, type SpeedOf, stepsSeconds } from './times.ts'

/** What a plan found. */
export interface AwsWork {
  readonly task: SpeedOf & Pick<TaskDefinition, 'source'>
  readonly slices: readonly Slice[]
  /** Archives, or files. */
  readonly objects: number
  readonly memberCount: number
}

/** What the construct deploys. */
export interface AwsPlatform {
  readonly architecture: Architecture
  /** Smallest first; that a batch needs another than the first is not foreseen. */
  readonly tiers: readonly [Tier, ...Tier[]]
  /** Of Plan and of Commit. */
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

/** Nothing in it is exact but the arithmetic: `seconds` and `dollars` are to be shown with two digits. */
export interface AwsEstimate extends Amounts {
  readonly dollars: number
  /** From the start of the execution to `_SUCCESS`. */
  readonly seconds: number
  /** Of the three steps; the rest is what the state machine takes. */
  readonly stepSeconds: { readonly plan: number; readonly process: number; readonly commit: number }
  readonly batches: number
  readonly parts: number
  /** Uploads one by one, which are not in `dollars`: each starts an execution, and all but one find their object in a run already. */
  readonly uploads: UploadEstimate
  /** What the dollars are made of. */
  readonly lines: readonly CostLine[]
  readonly platform: AwsPlatform
  readonly prices: { readonly region: string; readonly date: string }
  readonly assumptions: readonly string[]
}

/** Executions that only plan, since another one reads what was uploaded. */
export interface UploadEstimate {
  readonly executions: number
  readonly dollars: number
  readonly lines: readonly CostLine[]
}

/** An execution for this task alone in which nothing is tried again. */
export function estimateOnAws(work: AwsWork, platform: AwsPlatform = defaultPlatform): AwsEstimate {
  const { task, slices, objects, memberCount } = work
  const archives = task.source.kind === 'zipMembers' ? objects : 0
  const [tier] = platform.tiers
  const groupBytes = groupBytesOf(tier)
  const batches = slices.length === 0 ? [[]] : packBatches(slices, batchLimits(task, tier))
  const made = partsOf(work, batches, { threads: tier.threads, groupBytes })
  const { maxConcurrency } = platform
  const processed = processTimes(batches, { task, tier, maxConcurrency, outBytes: made.bytes })
  const plan = planSeconds({ archives, objects, memberCount }, platform)
  const commit = commitSeconds({ batches: batches.length, parts: made.count, objects })
  const amounts = amountsOf(
    { batches: batches.length, slices: slices.length, archives, objects, ...made },
    { plan, commit, processed: processed.billed },
    platform,
  )
  const seconds = plan + processed.elapsed + commit + stepsSeconds
  const lines = costLines(amounts, { architecture: platform.architecture, seconds })
  return {
    ...amounts,
    dollars: lines.reduce((sum, line) => sum + line.dollars, 0),
    seconds,
    stepSeconds: { plan, process: processed.elapsed, commit },
    batches: batches.length,
    parts: made.count,
    uploads: estimateUploads(objects, platform),
    lines,
    platform,
    prices: { region: awsPrices.region, date: awsPrices.date },
    assumptions,
  }
}

/** Each such execution lists the inputs, and reads and writes the turn of its output. */
function estimateUploads(objects: number, platform: AwsPlatform): UploadEstimate {
  const { memoryMb, architecture } = platform
  const executions = Math.max(0, objects - 1)
  const seconds = planSeconds({ archives: 0, objects, memberCount: 0 }, { memoryMb })
  const amounts: Amounts = {
    gbSeconds: (executions * seconds * memoryMb) / 1024,
    storageGbSeconds: 0,
    invocations: executions,
    transitions: executions * idleTransitions,
    s3: { reads: executions * idleReads, writes: executions * (idleWrites + Math.ceil(objects / 1000)) },
    logBytes: executions * logBytes,
  }
  const lines = costLines(amounts, { architecture, seconds: 0 })
  return { executions, dollars: lines.reduce((sum, line) => sum + line.dollars, 0), lines }
}

/** States that an execution with nothing to do enters: four of the machine, three of the task. */
const idleTransitions = 7
/** Requests of a plan that finds its run taken, beside the listing: the turn, the head and `_SUCCESS`. */
const idleReads = 4
const idleWrites = 2

const assumptions: readonly string[] = [
  'one execution for this task alone, and nothing tried again',
  'a virtual CPU (1,769 MB) does what a core of the reference machine does: 47 MB of CSV a second from zip to Parquet, not measured on AWS',
  'a cold start takes 2 s, where LocalStack took 0.6 s at best and 3.7 s on an overloaded machine; a request to S3 takes 30 ms',
  'parts as without partitions; each partition adds some',
  'list prices of the first tier; no free tier, no storage, no dashboard, no retries',
]

interface Made {
  readonly count: number
  readonly bytes: number
  /** Of all parts: uploads. */
  readonly pieces: number
}

/** Each extracted member is an object; else parts of about one size. */
function partsOf(
  { task, memberCount }: AwsWork,
  batches: readonly (readonly Slice[])[],
  options: { readonly threads: number; readonly groupBytes: number },
): Made {
  const isWhole = task.output.kind === 'memberFiles'
  const bytesOf = (slices: readonly Slice[]): number => slices.reduce((sum, slice) => sum + slice.bytes, 0)
  const { count, bytes } = isWhole
    ? { count: memberCount, bytes: bytesOf(batches.flat()) }
    : expectedParts(task, batches, options)
  return { count, bytes, pieces: count * pieceCountOf(bytes / Math.max(1, count)) }
}

/** States entered without a retry: four of the machine, six of the task; of each batch one, and one for being a child of the Map. */
export const transitionsOf = (batches: number): number => 4 + 6 + 2 * batches

/**
 * Requests to S3 of the functions and of the Map, counted on LocalStack: what each step does once, for an archive, a batch, a slice, and a
 * part with its pieces. Of a task without tables, into an output that was empty; listings of inputs and of outputs are writes.
 */
export function requestsOf({ archives, objects, batches, slices, count, pieces }: RequestsOptions): Amounts['s3'] {
  const pages = Math.floor(objects / 1000) + 3 * Math.floor(count / 1000)
  return { reads: 21 + 2 * archives + 5 * batches + slices, writes: 23 + pages + 2 * batches + 2 * count + pieces }
}

export interface RequestsOptions {
  /** Whose directories are read. */
  readonly archives: number
  /** Archives or files. */
  readonly objects: number
  readonly batches: number
  readonly slices: number
  /** Of parts. */
  readonly count: number
  readonly pieces: number
}

/** Lines of the log of one invocation: its start, end and report, one of ours, and one of metrics. */
const logBytes = 2000

function amountsOf(
  counts: RequestsOptions,
  seconds: { readonly plan: number; readonly processed: number; readonly commit: number },
  { tiers: [tier], memoryMb }: AwsPlatform,
): Amounts {
  const small = (seconds.plan + seconds.commit) * (memoryMb / 1024)
  const storageGb = Math.max(0, tier.temporaryStorageMb - awsPrices.lambda.storageFreeMb) / 1024
  const invocations = counts.batches + 2
  return {
    gbSeconds: small + seconds.processed * (tier.memoryMb / 1024),
    storageGbSeconds: seconds.processed * storageGb,
    invocations,
    transitions: transitionsOf(counts.batches),
    s3: requestsOf(counts),
    logBytes: invocations * logBytes,
  }
}
