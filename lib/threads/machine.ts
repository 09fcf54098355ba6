/** What this machine gives a run: its memory, its folders, and who works on it. */
import { randomUUID } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { availableParallelism, hostname, tmpdir, totalmem } from 'node:os'
import { PermanentError } from '../errors/errors.ts'
import type { Owner } from '../state/state.ts'
import { makeOwnFolder } from '../store/own-folder.ts'

const mebibyte = 1024 * 1024

/** How a process shares its memory out: to each thread alike. */
export interface MemoryShares {
  /** Buffers of the engine. */
  readonly engineBytes: number
  /** Upper bound of the JavaScript heap. */
  readonly heapBytes: number
  /** Text as it is read and inflated. */
  readonly textBytes: number
}

/** Measured before any work: Node, its code and the main thread. */
const processBytes = 150e6
/** Measured: a thread with its code and its engine, before any work. */
const threadBytes = 25e6
/** With less it sorts only a few hundred thousand rows. */
const engineBytesMin = 128 * mebibyte
const heapBytesMin = 128 * mebibyte
const textBytesMin = 16 * mebibyte
/** More makes nothing faster. */
const textBytesMax = 96 * mebibyte

/** Threads for the CPUs that this process may use, and no more than its memory is enough for. */
export function defaultWorkers(memoryMb: number = defaultMemoryMb()): number {
  const count = Math.floor((memoryMb * 1e6 - processBytes) / workerBytesMin)
  return Math.max(1, Math.min(availableParallelism(), count))
}

/** 70 % of what the process may use: its control group's limit where there is one. In megabytes of 1,000,000 bytes. */
export function defaultMemoryMb(): number {
  const constrained = process.constrainedMemory()
  const bytes = constrained > 0 && constrained < totalmem() ? constrained : totalmem()
  return Math.floor((0.7 * bytes) / 1e6)
}

/** @throws USAGE for less memory than so many workers need whatever they do */
export function checkMemory(memoryMb: number, workers: number): void {
  const needed = Math.ceil((processBytes + workers * workerBytesMin) / 1e6)
  if (memoryMb >= needed) return
  throw new PermanentError(
    'USAGE',
    `expected at least ${needed} MB for ${workers} worker${workers === 1 ? '' : 's'}, got ${memoryMb}; give more memory${workers === 1 ? '' : ' or fewer workers'}`,
    { memoryMb, workers, neededMb: needed },
  )
}

/** Three quarters of what text leaves go to the engine. Of too little memory each gets the least with which it works. */
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

/** This process, as the owner of a run. */
export function thisOwner(): Owner {
  return { id: randomUUID(), host: hostname(), pid: process.pid, startedAt: new Date().toISOString() }
}

/** Whether the owner's process lives; unknown for one on another host. */
export function isAlive(owner: Owner): boolean | undefined {
  if (owner.host !== hostname() || owner.pid === undefined) return undefined
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * A folder for staged text, in memory where there is room, and where it fits into the budget; else in the system's
 * temporary folder. The caller removes it with `removeOwnFolder`.
 */
export function makeStageFolder(neededBytes: number, budgetBytes: number = Number.POSITIVE_INFINITY): string {
  const isInMemory = neededBytes <= budgetBytes && hasRoom('/dev/shm', 2 * neededBytes)
  return makeOwnFolder(isInMemory ? '/dev/shm' : tmpdir())
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
