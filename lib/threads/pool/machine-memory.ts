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

/** Formats bytes as megabytes for messages: `1,200`. */
export const megabytes = (bytes: number): string => Math.round(bytes / 1e6).toLocaleString('en-US')
