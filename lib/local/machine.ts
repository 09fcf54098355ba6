/** What this machine gives a run: its memory, its folders, and who works on it. */
import { randomUUID } from 'node:crypto'
import { existsSync, statfsSync } from 'node:fs'
import { availableParallelism, hostname, tmpdir, totalmem } from 'node:os'
import type { Owner } from '../core/state.ts'
import { makeOwnFolder } from '../io/own-folder.ts'

const mebibyte = 1024 * 1024

/** How a process shares its memory out. */
export interface MemoryShares {
  /** Buffers of each engine. */
  readonly engineBytes: number
  /** JavaScript heap of each thread. */
  readonly heapBytes: number
}

/** Node itself, its code and the main thread, measured at 120 MB; and a slice being read. */
const processBytes = 250 * mebibyte
const engineBytesMin = 128 * mebibyte

/** Threads for the CPUs that this process may use. */
export const defaultWorkers = (): number => availableParallelism()

/** 70 % of what the process may use: its control group's limit where there is one. In megabytes of 1,000,000 bytes. */
export function defaultMemoryMb(): number {
  const constrained = process.constrainedMemory()
  const bytes = constrained > 0 && constrained < totalmem() ? constrained : totalmem()
  return Math.floor((0.7 * bytes) / 1e6)
}

/** Of each thread's share three quarters go to its engine. */
export function shareMemory(memoryMb: number, workers: number): MemoryShares {
  const share = Math.max(engineBytesMin, (memoryMb * 1e6 - processBytes) / workers)
  return { engineBytes: Math.max(engineBytesMin, share * 0.75), heapBytes: Math.max(engineBytesMin, share * 0.25) }
}

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

/** A folder for staged text, in memory where there is room, else in the system's temporary folder. The caller removes it with `removeOwnFolder`. */
export function makeStageFolder(neededBytes: number): string {
  return makeOwnFolder(hasRoom('/dev/shm', 2 * neededBytes) ? '/dev/shm' : tmpdir())
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
