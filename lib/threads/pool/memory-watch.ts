/**
 * Watches the memory of the process, because no limit of a buffer covers the values that SQL or a map function creates: a list of a
 * billion numbers, a text of gigabytes, an array that grows forever.
 */
import { CapacityError } from '../../errors/errors.ts'
import { heapCeiling, machineMemoryBytes, megabytes } from './machine-memory.ts'

export interface MemoryWatchOptions {
  /** Limit on the memory of the whole process. */
  readonly bytesMax: number
  /** Called at each check while the limit is exceeded. */
  onOver(error: CapacityError): void
  /** Called when the limit is still exceeded 3 seconds later, or far exceeded. */
  onLost(error: CapacityError): void
  /** Returns the memory of the process; default its resident set. */
  readonly taken?: () => number
  /** Memory of the machine; default as measured. */
  readonly machineBytes?: number
}

export interface MemoryWatch {
  begin(): void
  end(): void
}

/** Memory can grow by gigabytes per second; reading the size takes some microseconds. */
const intervalMs = 50
/** Time that an interrupted query may need to end. */
const endMsMax = 3000

/** Watches from `begin` to `end`; the timer keeps no process alive. */
export function watchMemory({
  bytesMax,
  onOver,
  onLost,
  taken = () => process.memoryUsage.rss(),
  machineBytes = machineMemoryBytes(),
}: MemoryWatchOptions): MemoryWatch {
  // Halfway to where the system, or V8, ends the process, there is no time to wait.
  const lostBytes = (bytesMax + Math.min(heapCeiling(bytesMax), machineBytes)) / 2
  let timer: NodeJS.Timeout | undefined
  let overSince: number | undefined
  const checkMemory = (): void => {
    const bytes = taken()
    if (bytes <= bytesMax) {
      overSince = undefined
      return
    }
    const error = outOfMemory(bytes, bytesMax)
    const isFirst = overSince === undefined
    overSince ??= performance.now()
    // Jobs that have begun since the check before are interrupted too.
    if (isFirst || (performance.now() - overSince <= endMsMax && bytes <= lostBytes)) onOver(error)
    else onLost(error)
  }
  return {
    begin() {
      timer ??= setInterval(checkMemory, intervalMs).unref()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      overSince = undefined
    },
  }
}

function outOfMemory(bytes: number, bytesMax: number): CapacityError {
  const message = `expected the process to use at most ${megabytes(bytesMax)} MB, well above --memory, got ${megabytes(bytes)} MB; the transform creates lists or texts that are too long, or a function keeps too many values: create less at once, or raise --memory (on AWS: larger tiers)`
  return new CapacityError('OUT_OF_MEMORY', message, { bytes, bytesMax })
}
