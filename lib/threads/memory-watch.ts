/**
 * Watches what a process takes, because values that SQL or a map function makes are in no buffer that has a limit: a list of a
 * billion numbers, a text of gigabytes, an array that grows for ever.
 */
import { CapacityError } from '../errors/errors.ts'
import { machineMemoryBytes } from './machine-memory.ts'

export interface MemoryWatchOptions {
  /** Of the whole process. */
  readonly bytesMax: number
  /** Called once when there is more, and again only when `begin` was called since. */
  onOver(error: CapacityError): void
  /** Called when there is still more after a moment, or far more. */
  onLost(error: CapacityError): void
  /** What the process takes; default its resident set. */
  readonly taken?: () => number
  /** What the machine has; default as it says. */
  readonly machineBytes?: number
}

export interface MemoryWatch {
  begin(): void
  end(): void
}

/** What makes gigabytes a second must be noticed soon; reading the size takes some microseconds. */
const intervalMs = 50
/** A query that was interrupted ends between two vectors, which may take this long. */
const patienceMs = 3000
/** Above it there is no time for patience. */
const lostTimes = 1.5

/** Watches from `begin` to `end`; the timer keeps no process alive. */
export function watchMemory({
  bytesMax,
  onOver,
  onLost,
  taken = () => process.memoryUsage.rss(),
  machineBytes = machineMemoryBytes(),
}: MemoryWatchOptions): MemoryWatch {
  const lostBytes = Math.min(lostTimes * bytesMax, (bytesMax + machineBytes) / 2)
  let timer: NodeJS.Timeout | undefined
  let overSince: number | undefined
  const look = (): void => {
    const bytes = taken()
    if (bytes <= bytesMax) return
    const error = tooMuch(bytes, bytesMax)
    if (overSince === undefined) {
      overSince = performance.now()
      onOver(error)
    } else if (performance.now() - overSince > patienceMs || bytes > lostBytes) onLost(error)
  }
  return {
    begin() {
      timer ??= setInterval(look, intervalMs).unref()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      overSince = undefined
    },
  }
}

function tooMuch(bytes: number, bytesMax: number): CapacityError {
  const megabytes = (count: number): string => Math.round(count / 1e6).toLocaleString('en-US')
  return new CapacityError(
    'OUT_OF_MEMORY',
    `expected the process to take at most ${megabytes(bytesMax)} MB, which is beyond what --memory shares out, got ${megabytes(bytes)} MB; the transform makes lists or texts that are too long, or a function keeps what it should let go: make less at once, or raise --memory`,
    { bytes, bytesMax },
  )
}
