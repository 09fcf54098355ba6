/** What a tier of Lambda functions can do: the text it stages at once, the work of a batch, and which members are too long for it. */
import type { TaskDefinition } from '../define/definition.ts'
import { PermanentError } from './errors.ts'
import type { Tier } from './lambda-events.ts'
import type { InputObject, Slice } from './plan-data.ts'

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

/** Seconds of the longest invocation that Lambda has, but for a margin: the rates below are those of a quiet machine. */
const workSecondsMax = 15 * 60 * 0.7
/** Bytes a second, measured: one thread inflates and cuts, the others parse, convert and encode. */
export const rates = { inflate: 215e6, engine: 60e6, mapped: 15e6 } as const
/** AWS: a function has one virtual CPU for each 1,769 MB. */
const memoryMbPerCpu = 1769
/** Of a compressed file nothing says how much text it is; text compresses to about a fifth. */
const textPerCompressed = 5

/** Seconds that a tier needs for one slice, which only one invocation can do. */
export function sliceSeconds(slice: Slice, task: Pick<TaskDefinition, 'transform' | 'output'>, tier: Tier): number {
  const isOpaque = slice.kind === 'stream' && !slice.member
  const bytes = slice.bytes * (isOpaque ? textPerCompressed : 1)
  const inflating = bytes / rates.inflate
  if (task.output.kind === 'memberFiles') return inflating
  const isMapped = task.transform.some(step => typeof step === 'object' && step.kind !== 'sql')
  const cpus = slice.kind === 'stream' ? Math.min(tier.threads, tier.memoryMb / memoryMbPerCpu) : 1
  return Math.max(inflating, bytes / ((isMapped ? rates.mapped : rates.engine) * cpus))
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
  }: {
    readonly inputs: readonly InputObject[]
    readonly task: Pick<TaskDefinition, 'name' | 'transform' | 'output'>
    readonly tiers: readonly Tier[]
  },
): void {
  for (const slice of slices) {
    const seconds = Math.min(...tiers.map(tier => sliceSeconds(slice, task, tier)))
    const isWhole = task.output.kind === 'memberFiles'
    const roomBytes = Math.max(...tiers.map(tier => tier.temporaryStorageMb * mebibyte * storageShare))
    if (seconds <= workSecondsMax && !(isWhole && slice.bytes > roomBytes)) continue
    throw tooLong(slice, inputs[slice.input]?.key ?? '', {
      task: task.name,
      seconds,
      roomBytes,
      isDisk: seconds <= workSecondsMax,
    })
  }
}

interface Excess {
  readonly task: string
  readonly seconds: number
  readonly roomBytes: number
  readonly isDisk: boolean
}

function tooLong(slice: Slice, archive: string, { task, seconds, roomBytes, isDisk }: Excess): PermanentError {
  const member = slice.kind === 'stream' ? slice.member?.name : undefined
  const what = `${archive}${member === undefined ? '' : `, member ${member}`}: ${gigabytes(slice.bytes)}`
  const why = isDisk
    ? `do not fit into the ${gigabytes(roomBytes)} of temporary storage of the largest tier`
    : `would take about ${Math.ceil(seconds / 60)} minutes on the largest tier, and a function ends after 15`
  const mend =
    'run it on a machine (fanmill run with --input s3://… --output s3://…), give larger tiers, or split it where it is made'
  const detail = {
    task,
    archive,
    ...(member !== undefined && { member }),
    bytes: slice.bytes,
    seconds: Math.round(seconds),
  }
  return new PermanentError('MEMBER_TOO_LONG', `${what} ${why}; ${mend}`, detail)
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
