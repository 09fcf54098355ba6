/** Limits of a tier of Lambda functions: text that it stages at once, work of a batch, and members that are too long for it. */
import type { TaskDefinition } from '../define/definition.ts'
import { layoutOf } from '../define/outputs/output-kind.ts'
import { PermanentError } from '../errors/errors.ts'
import type { PackOptions } from '../inputs/slices/plan-slices.ts'
import type { InputObject, Slice } from '../model/plan-data.ts'
import type { Tier } from './lambda-events.ts'

/** The construct's default, for accounts whose functions are limited to 3,008 MB (1.7 vCPUs), as those of new accounts are. */
export const modestTiers: readonly [Tier, Tier] = [
  { memoryMb: 3008, threads: 2, temporaryStorageMb: 4096 },
  { memoryMb: 3008, threads: 1, temporaryStorageMb: 10_240 },
]

const mebibyte = 1024 * 1024
/** Text of one writer at once. As Parquet it has a fourth to a fifth of the bytes, which makes parts of 50 to 60 MB. */
export const groupBytesMax = 256 * mebibyte
/** Usable fraction of /tmp; the rest is for spills of the engine and files of the platform. */
const storageShare = 0.8
/** Groups of text in /tmp for each thread: the current one, the next one, and the parts of the last one. */
const groupsPerThread = 2.5

/** Returns the bytes of text that each thread of a tier stages at once. */
export function groupBytesOf({ temporaryStorageMb, threads }: Tier): number {
  const room = (temporaryStorageMb * mebibyte * storageShare) / (threads * groupsPerThread)
  return Math.floor(Math.min(groupBytesMax, room))
}

/** Longest timeout of a Lambda function. */
export const timeoutSecondsMax = 15 * 60
/** Fraction of the timeout that is planned for work, because the rates below are those of a quiet machine. */
const workShare = 0.7
/** Measured rates in bytes a second: one thread inflates and cuts, the others parse, convert and encode. */
export const rates = { inflate: 215e6, engine: 60e6, mapped: 15e6 } as const
/** Memory for which AWS gives a function one virtual CPU. */
export const memoryMbPerCpu = 1769
/** Assumed ratio for a compressed file, whose inflated size is unknown: text compresses to about a fifth. */
const textPerCompressed = 5

/** Assumed time to the first byte of an answer of S3. */
export const requestSeconds = 0.03
/** Slices that a thread reads ahead. */
export const readsAhead = 2
/** Time of the requests of a batch. With less time there would be many small parts, with more time few batches at once. */
const requestsSecondsMax = 30

/** Returns the limits of a batch, so that the tier needs half of its time for it. */
export function batchLimits(
  task: Pick<TaskDefinition, 'transform'>,
  tier: Tier,
  {
    timeoutSeconds = timeoutSecondsMax,
    groupBytes = groupBytesOf(tier),
  }: { readonly timeoutSeconds?: number | undefined; readonly groupBytes?: number | undefined } = {},
): Required<PackOptions> {
  const seconds = (timeoutSeconds * workShare) / 2
  const cpus = Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu)
  const batchBytes = Math.min(groupBytes * tier.threads, Math.floor(seconds * cpus * rateOf(task)))
  const requests = (Math.min(requestsSecondsMax, seconds) / requestSeconds) * readsAhead * tier.threads
  return { batchBytes, requestBytes: batchBytes / requests }
}

/** Returns the estimated bytes of text of a slice. */
export const textBytesOf = (slice: Slice): number =>
  slice.bytes * (slice.kind === 'stream' && !slice.member ? textPerCompressed : 1)

/** Returns the bytes of text that one virtual CPU converts in a second. */
export function rateOf({ transform }: Pick<TaskDefinition, 'transform'>): number {
  const isMapped = transform.some(step => typeof step === 'object' && 'map' in step)
  return isMapped ? rates.mapped : rates.engine
}

/** Returns the seconds that a tier needs for one slice, which cannot be divided between invocations. */
function sliceSeconds(slice: Slice, task: Pick<TaskDefinition, 'transform' | 'output'>, tier: Tier): number {
  const bytes = textBytesOf(slice)
  const inflating = bytes / rates.inflate
  if (!layoutOf(task.output)) return inflating
  const cpus = slice.kind === 'stream' ? Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu) : 1
  return Math.max(inflating, bytes / (rateOf(task) * cpus))
}

/**
 * Refuses a member that no tier could finish, before the run begins.
 * @throws MEMBER_TOO_LONG with the archive, the member, and what to do
 */
export function checkLengths(
  slices: readonly Slice[],
  {
    inputs,
    task,
    tiers,
    timeoutSeconds = timeoutSecondsMax,
  }: {
    readonly inputs: readonly InputObject[]
    readonly task: Pick<TaskDefinition, 'name' | 'transform' | 'output'>
    readonly tiers: readonly Tier[]
    /** Timeout of the functions; default 15 minutes. */
    readonly timeoutSeconds?: number | undefined
  },
): void {
  const secondsMax = timeoutSeconds * workShare
  for (const slice of slices) {
    const seconds = Math.min(...tiers.map(tier => sliceSeconds(slice, task, tier)))
    const isWhole = !layoutOf(task.output)
    const roomBytes = Math.max(...tiers.map(tier => tier.temporaryStorageMb * mebibyte * storageShare))
    if (seconds <= secondsMax && !(isWhole && slice.bytes > roomBytes)) continue
    throw tooLong(slice, inputs[slice.input]?.key ?? '', {
      task: task.name,
      seconds,
      timeoutSeconds,
      roomBytes,
      isDisk: seconds <= secondsMax,
    })
  }
}

interface Excess {
  readonly task: string
  readonly seconds: number
  readonly timeoutSeconds: number
  readonly roomBytes: number
  readonly isDisk: boolean
}

function tooLong(slice: Slice, archive: string, { task, seconds, timeoutSeconds, roomBytes, isDisk }: Excess) {
  const member = slice.kind === 'stream' ? slice.member?.name : undefined
  const what = `${archive}${member === undefined ? '' : `, member ${member}`}: ${gigabytes(slice.bytes)}`
  const why = isDisk
    ? `do not fit into the ${gigabytes(roomBytes)} of temporary storage of the largest tier`
    : `would take about ${durationOf(seconds)} on the largest tier, and a function ends after ${durationOf(timeoutSeconds)}`
  const longer = !isDisk && timeoutSeconds < timeoutSecondsMax ? 'give a longer functionTimeout, ' : ''
  const advice = `${longer}run it on a machine (fanmill run with --input s3://… --output s3://…), give larger tiers, or split it where it is made`
  const detail = { task, archive, member, bytes: slice.bytes, seconds: Math.round(seconds) }
  return new PermanentError('MEMBER_TOO_LONG', `${what} ${why}; ${advice}`, detail)
}

const durationOf = (seconds: number): string =>
  seconds < 120 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
