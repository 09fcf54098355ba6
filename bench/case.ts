/** Types of a benchmark: a case compares sides over one input, and has targets. */
import type { InputName } from './inputs.ts'
import type { Command } from './measure.ts'
import type { Summary } from './summary.ts'

export interface Case {
  readonly name: string
  readonly title: string
  /** Generated inputs; rates are those of the first. */
  readonly inputs: readonly InputName[]
  readonly sides: readonly Side[]
  /** Sides that are measured only with `--peers`. */
  readonly peers?: readonly Side[]
  readonly setUp?: () => void | Promise<void>
  /** Remark below its table. */
  readonly note?: string
  readonly targets: readonly Target[]
}

export interface Side {
  readonly label: string
  readonly command: () => Command
  /** Input of which the rate is computed. */
  readonly input?: InputName
  /** Returns what is wrong with its output; undefined for a side that writes nothing. */
  readonly check?: () => Promise<readonly string[]>
  /** Measures the time to the first line of output that matches. */
  readonly mark?: RegExp
  /** Is run before each measurement; default nothing, and the output folder is empty. */
  readonly warmUp?: () => Command
}

export interface Target {
  readonly what: string
  readonly unit: '×' | 'MB' | 's' | 'MB/s'
  readonly bound: 'at most' | 'at least' | 'given'
  readonly limit: number
  /** Labels of the sides that it compares. */
  readonly of: readonly string[]
  /** Computes the value from the summaries of the sides, by label. */
  readonly value: (sides: Readonly<Record<string, Summary | undefined>>) => number | undefined
}

type Bound = readonly [Target['bound'], number]

/** Returns the time of `slow` as a multiple of that of `fast`. */
export function timesAsLong(slow: string, fast: string, [bound, limit]: Bound): Target {
  const value: Target['value'] = sides => quotient(sides[slow]?.seconds.median, sides[fast]?.seconds.median)
  return { what: `time of ${slow} / time of ${fast}`, unit: '×', bound, limit, of: [slow, fast], value }
}

/** Returns the CPU seconds of `slow` as a multiple of those of `fast`: they say more than time while others use the machine. */
export function cpuAsMuch(slow: string, fast: string, [bound, limit]: Bound): Target {
  const value: Target['value'] = sides => quotient(sides[slow]?.cpuSeconds, sides[fast]?.cpuSeconds)
  return { what: `CPU seconds of ${slow} / of ${fast}`, unit: '×', bound, limit, of: [slow, fast], value }
}

/** Returns the CPU seconds of a side. */
export function cpuSeconds(side: string, [bound, limit]: Bound): Target {
  const value: Target['value'] = sides => sides[side]?.cpuSeconds
  return { what: `CPU seconds of ${side}`, unit: 's', bound, limit, of: [side], value }
}

export function peakGrowth(large: string, small: string, [bound, limit]: Bound): Target {
  const value: Target['value'] = sides => quotient(sides[large]?.peakMb, sides[small]?.peakMb)
  return { what: `peak memory of ${large} / of ${small}`, unit: '×', bound, limit, of: [large, small], value }
}

export function peakMemory(side: string, limit = 700): Target {
  const value: Target['value'] = sides => sides[side]?.peakMb
  return { what: `peak memory of ${side}`, unit: 'MB', bound: 'at most', limit, of: [side], value }
}

export function rate(side: string, [bound, limit]: Bound): Target {
  return {
    what: `CSV a second of ${side}`,
    unit: 'MB/s',
    bound,
    limit,
    of: [side],
    value: sides => sides[side]?.mbPerSecond,
  }
}

export function seconds(side: string, what: string, [bound, limit]: Bound): Target {
  const value: Target['value'] = sides => sides[side]?.markSeconds ?? sides[side]?.seconds.median
  return { what, unit: 's', bound, limit, of: [side], value }
}

function quotient(over: number | undefined, under: number | undefined): number | undefined {
  return over === undefined || under === undefined ? undefined : over / under
}
