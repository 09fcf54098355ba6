/** Opens the threads of a run on this machine, each with its share of the memory. */
import { openKeptPool } from './kept-threads.ts'
import {
  checkMemory,
  defaultMemoryMb,
  defaultWorkers,
  type MemoryShares,
  shareMemory,
  threadsAtOnce,
} from './machine.ts'
import { heapCeiling, memoryCeiling } from './machine-memory.ts'
import type { ThreadPool } from './pool.ts'

export interface RunThreads {
  readonly workers: number
  readonly memoryMb: number
  readonly memory: MemoryShares
  /** Limit on the memory of the whole process, beyond which the run ends. */
  readonly memoryBytesMax: number
  /** Threads for all tasks, which start before the pipeline is loaded. */
  readonly pool: ThreadPool
}

/** Starts the threads, or takes those of the run before; the caller closes the pool. @throws USAGE for too little memory */
export function openRunThreads(options: Partial<Pick<RunThreads, 'memoryMb' | 'workers'>>): RunThreads {
  const { memoryMb: givenMb, workers: wanted } = options
  const memoryMb = givenMb ?? defaultMemoryMb()
  const workers = wanted ?? defaultWorkers(memoryMb)
  // A small machine runs one worker, whatever its memory.
  if (workers > 1 || givenMb !== undefined) checkMemory(memoryMb, workers)
  const shares = shareMemory(memoryMb, workers)
  const memoryBytesMax = memoryCeiling(memoryMb)
  const memory = { ...shares, heapBytes: Math.max(shares.heapBytes, heapCeiling(memoryBytesMax)) }
  const startAtOnce = threadsAtOnce(workers)
  const limits = { heapBytes: memory.heapBytes, memoryBytesMax }
  const pool = openKeptPool({ entry: 'worker-kept', threads: workers, startAtOnce, ...limits })
  return { workers, memoryMb, memory, memoryBytesMax, pool }
}
