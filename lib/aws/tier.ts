/** What a tier of Lambda functions can do: the text it stages at once, the work of a batch, and which members are too long for it. */
import type { TaskDefinition } from '../define/definition.ts'
import { PermanentError } from '../errors/errors.ts'
import type { PackOptions } from '../inputs/plan-slices.ts'
import type { InputObject, Slice } from '../model/plan-data.ts'
import type { Tier } from './lambda-events.ts'

/** For accounts whose functions are capped at 3,008 MB, as new ones are: 1.7 vCPUs. What the construct deploys by default. */
export const modestTiers: readonly [Tier, Tier] = [
  { memoryMb: 3008, threads: 2, temporaryStorageMb: 4096 },
  { memoryMb: 3008, threads: 1, temporaryStorageMb: 10_240 },
]

const mebibyte = 1024 * 1024
/** Text that one writer takes at once: at a fourth to a fifth of it as Parquet, parts of 50 to 60 MB. */
export const groupBytesMax = 256 * mebibyte
/** Of the temporary storage; the rest is for what the engine spills and what a platform keeps there. */
const storageShare = 0.8
/** Each thread has a group, the next one, and the parts of what it did. */
const groupsPerThread = 2.5

/** Bytes of text that each thread of a tier stages at once. */
export function groupBytesOf({ temporaryStorageMb, threads }: Tier): number {
  const room = (temporaryStorageMb * mebibyte * storageShare) / (threads * groupsPerThread)
  return Math.floor(Math.min(groupBytesMax, room))
}

/** Of the longest invocation that Lambda has. */
export const timeoutSecondsMax = 15 * 60
/** Of an invocation: the rates below are those of a quiet machine. */
const workShare = 0.7
/** Bytes a second, measured: one thread inflates and cuts, the others parse, convert and encode. */
export const rates = { inflate: 215e6, engine: 60e6, mapped: 15e6 } as const
/** AWS: a function has one virtual CPU for each 1,769 MB. */
export const memoryMbPerCpu = 1769
/** Of a compressed file nothing says how much text it is; text compresses to about a fifth. */
const textPerCompressed = 5

/** To the first byte of an answer of S3; assumed. */
export const requestSeconds = 0.03
/** Slices that a thread asks for before it needs them. */
export const readsAhead = 2
/** Of a batch of nothing but requests. Less would make many small parts; more would do little side by side. */
const requestsSecondsMax = 30

/** What a batch may hold, so that the tier does it in half of its time. */
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

/** Bytes of text that a slice is about. */
export const textBytesOf = (slice: Slice): number =>
  slice.bytes * (slice.kind === 'stream' && !slice.member ? textPerCompressed : 1)

/** Bytes of text a second of one virtual CPU. */
export function rateOf({ transform }: Pick<TaskDefinition, 'transform'>): number {
  const isMapped = transform.some(step => typeof step === 'object' && step.kind !== 'sql')
  return isMapped ? rates.mapped : rates.engine
}

/** Seconds that a tier needs for one slice, which only one invocation can do. */
function sliceSeconds(slice: Slice, task: Pick<TaskDefinition, 'transform' | 'output'>, tier: Tier): number {
  const bytes = textBytesOf(slice)
  const inflating = bytes / rates.inflate
  if (task.output.kind === 'memberFiles') return inflating
  const cpus = slice.kind === 'stream' ? Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu) : 1
  return Math.max(inflating, bytes / (rateOf(task) * cpus))
}

/**
 * Refuses what no tier could finish, before anything is begun.
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
    /** Of one invocation; default 15 minutes. */
    readonly timeoutSeconds?: number | undefined
  },
): void {
  const secondsMax = timeoutSeconds * workShare
  for (const slice of slices) {
    const seconds = Math.min(...tiers.map(tier => sliceSeconds(slice, task, tier)))
    const isWhole = task.output.kind === 'memberFiles'
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

function tooLong(
  slice: Slice,
  archive: string,
  { task, seconds, timeoutSeconds, roomBytes, isDisk }: Excess,
): PermanentError {
  const member = slice.kind === 'stream' ? slice.member?.name : undefined
  const what = `${archive}${member === undefined ? '' : `, member ${member}`}: ${gigabytes(slice.bytes)}`
  const why = isDisk
    ? `do not fit into the ${gigabytes(roomBytes)} of temporary storage of the largest tier`
    : `would take about ${durationOf(seconds)} on the largest tier, and a function ends after ${durationOf(timeoutSeconds)}`
  const longer = !isDisk && timeoutSeconds < timeoutSecondsMax ? 'give a longer functionTimeout, ' : ''
  const mend = `${longer}run it on a machine (fanmill run with --input s3://… --output s3://…), give larger tiers, or split it where it is made`
  const detail = {
    task,
    archive,
    ...(member !== undefined && { member }),
    bytes: slice.bytes,
    seconds: Math.round(seconds),
  }
  return new PermanentError('MEMBER_TOO_LONG', `${what} ${why}; ${mend}`, detail)
}

const durationOf = (seconds: number): string =>
  seconds < 120 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
