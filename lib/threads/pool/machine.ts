/** The resources of this machine for a run: memory, folders, and the owner of the run. */
import { randomUUID } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { availableParallelism, hostname, tmpdir } from 'node:os'
import { PermanentError } from '../../errors/errors.ts'
import type { Owner } from '../../state/state.ts'
import { isOwned, makeOwnFolder, memoryFolder, startTicks } from '../../store/own-folder.ts'
import { machineMemoryBytes } from './machine-memory.ts'

const mebibyte = 1024 * 1024

/** Memory of each thread of a process. */
export interface MemoryShares {
  /** Buffers of the engine. */
  readonly engineBytes: number
  /** Limit on the JavaScript heap. */
  readonly heapBytes: number
  /** Text that is read and inflated. */
  readonly textBytes: number
}

/** Measured memory of Node, its code and the main thread, before any work. */
const processBytes = 150e6
/** Measured memory of a thread with its code and its engine, before any work. */
const threadBytes = 25e6
/** With less, the engine sorts only a few hundred thousand rows. */
const engineBytesMin = 128 * mebibyte
const heapBytesMin = 128 * mebibyte
const textBytesMin = 16 * mebibyte
/** More is not faster. */
const textBytesMax = 96 * mebibyte

/** Returns the number of CPUs that this process may use, or fewer when memory is not enough for so many threads. */
export function defaultWorkers(memoryMb: number = defaultMemoryMb()): number {
  const count = Math.floor((memoryMb * 1e6 - processBytes) / workerBytesMin)
  return Math.max(1, Math.min(availableParallelism(), count))
}

/** Returns how many threads should start at once: while they load their modules, the main thread loads the pipeline and finds the inputs. */
export function threadsAtOnce(workers: number): number {
  return Math.max(1, Math.min(workers, availableParallelism() - 1))
}

/** Returns 70 % of the memory that the process may use, in megabytes of 1,000,000 bytes. */
export function defaultMemoryMb(): number {
  return Math.floor((0.7 * machineMemoryBytes()) / 1e6)
}

/** @throws USAGE for less memory than this number of workers needs at least */
export function checkMemory(memoryMb: number, workers: number): void {
  const needed = Math.ceil((processBytes + workers * workerBytesMin) / 1e6)
  if (memoryMb >= needed) return
  const message = `expected at least ${needed} MB for ${workers} worker${workers === 1 ? '' : 's'}, got ${memoryMb}; give more memory${workers === 1 ? '' : ' or fewer workers'}`
  throw new PermanentError('USAGE', message, { memoryMb, workers, neededMb: needed })
}

/** Shares out the memory budget. After text buffers, the engine gets 75 % and the heap 25 %. With too little memory, each gets its minimum. */
export function shareMemory(memoryMb: number, workers: number): MemoryShares {
  const share = (memoryMb * 1e6 - processBytes) / workers - threadBytes
  const textBytes = Math.max(textBytesMin, Math.min(textBytesMax, 0.3 * share, share - engineBytesMin))
  const rest = share - textBytes
  return {
    engineBytes: Math.max(engineBytesMin, rest * 0.75),
    heapBytes: Math.max(heapBytesMin, rest * 0.25),
    textBytes,
  }
}

const workerBytesMin = threadBytes + engineBytesMin + textBytesMin

/** Describes this process as the owner of a run. */
export function thisOwner(): Owner {
  const { pid } = process
  const startedAt = new Date().toISOString()
  return { id: randomUUID(), host: hostname(), pid, ticks: startTicks(pid), startedAt }
}

/** Returns whether the owner's process is running; undefined for one on another host, or where its number may be that of a later process. */
export function isAlive({ host, pid, ticks }: Owner): boolean | undefined {
  if (host !== hostname() || pid === undefined) return undefined
  return isOwned(pid, ticks) && (ticks ? true : undefined)
}

/**
 * Creates a folder for staged text: in memory when it fits there and into the budget, else in the system's temporary folder.
 * The caller removes it with `removeOwnFolder`.
 */
export function makeStageFolder(neededBytes: number, budgetBytes: number = Number.POSITIVE_INFINITY): string {
  const isInMemory = neededBytes <= budgetBytes && hasRoom(memoryFolder, 2 * neededBytes)
  return makeOwnFolder(isInMemory ? memoryFolder : tmpdir())
}

function hasRoom(folder: string, bytes: number): boolean {
  if (!existsSync(folder)) return false
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize >= bytes
  } catch {
    return false
  }
}
