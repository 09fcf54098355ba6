/** Summarizes the runs of one side. */
import type { Measurement } from './measure.ts'

export interface Summary {
  readonly runs: number
  readonly seconds: { readonly min: number; readonly median: number; readonly max: number }
  readonly cpuSeconds: number
  /** Largest of all runs, over the whole tree of processes; 10⁶ bytes. */
  readonly peakMb: number
  /** Inflated input divided by the median of time; 10⁶ bytes. */
  readonly mbPerSecond?: number
  readonly markSeconds?: number
  /** Whether its output was checked. */
  readonly isChecked: boolean
  /** Differences of the rows, or why it could not be measured. */
  readonly wrong: readonly string[]
}

interface Checked {
  readonly inflatedBytes: number | undefined
  readonly isChecked: boolean
  readonly wrong: readonly string[]
}

export function summarize(measurements: readonly Measurement[], { inflatedBytes, isChecked, wrong }: Checked): Summary {
  if (measurements.length === 0) return { ...nothing, isChecked, wrong }
  const times = measurements.map(({ seconds }) => seconds)
  const marks = measurements.flatMap(({ markSeconds }) => (markSeconds === undefined ? [] : [markSeconds]))
  return {
    runs: measurements.length,
    seconds: { min: Math.min(...times), median: median(times), max: Math.max(...times) },
    cpuSeconds: median(measurements.map(({ cpuSeconds }) => cpuSeconds)),
    peakMb: Math.max(...measurements.map(({ peakBytes }) => peakBytes)) / 1e6,
    ...(inflatedBytes !== undefined && { mbPerSecond: inflatedBytes / 1e6 / median(times) }),
    ...(marks.length > 0 && { markSeconds: median(marks) }),
    isChecked,
    wrong: [...new Set(wrong)],
  }
}

const nothing = { runs: 0, seconds: { min: 0, median: 0, max: 0 }, cpuSeconds: 0, peakMb: 0 }

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}
