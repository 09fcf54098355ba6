/** The memory that this process may use, and its limit for a run. */
import { totalmem } from 'node:os'

/** Returns the limit of the control group in bytes where there is one, else the memory of the machine. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

/** Deliberately far above the budget, because the budget does not include temporary values. */
const budgetTimes = 2
const extraBytes = 256e6

/** Returns the limit in bytes beyond which a run ends itself before the machine ends the process: at most half of the machine's memory beyond the budget. */
export function memoryCeiling(memoryMb: number, machineBytes = machineMemoryBytes()): number {
  const budget = memoryMb * 1e6
  return Math.max(budget, Math.min(budgetTimes * budget + extraBytes, (budget + machineBytes) / 2))
}

/** V8 keeps up to three times as much garbage beside the values of a heap whose limit is 2 GiB or more. */
const thriftyHeapBytes = 2047 * 1024 * 1024
/** With less for the process, the heaps must be thrifty. */
const thriftyProcessBytes = 1.7e9
const heapTimes = 2

/**
 * Returns the limit in bytes on the heap of a thread whose process may use `memoryBytesMax`. It is far above that, because a heap that
 * reaches its own limit in a query aborts the process, and functions may fill a heap by gigabytes per second.
 */
export function heapCeiling(memoryBytesMax: number): number {
  const bytes = heapTimes * memoryBytesMax
  return memoryBytesMax > thriftyProcessBytes ? bytes : Math.min(bytes, thriftyHeapBytes)
}

/** Formats bytes as megabytes for messages: `1,200`. */
export const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en-US')
