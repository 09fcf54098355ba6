/** The limit on the memory of a process, beyond which a run ends itself before the machine ends the process. */
import { machineMemoryBytes } from './machine-memory.ts'

/** Deliberately far above the budget, because the budget does not include temporary values. */
const timesBudget = 2
const beyondBytes = 256e6

/** Returns bytes: twice the budget and 256 MB, but at most half of the machine's memory beyond the budget. */
export function memoryCeiling(memoryMb: number, machineBytes = machineMemoryBytes()): number {
  const budget = memoryMb * 1e6
  return Math.max(budget, Math.min(timesBudget * budget + beyondBytes, (budget + machineBytes) / 2))
}
