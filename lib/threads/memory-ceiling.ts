/** What a process may take at most, whatever its tasks make: beyond it, a run ends before the machine ends the process. */
import { machineMemoryBytes } from './machine-memory.ts'

/** Deliberately far above the budget, which counts what is shared out and not what values take in passing. */
const timesBudget = 2
const beyondBytes = 256e6

/** Bytes; at most half of what the machine has beyond the budget. */
export function memoryCeiling(memoryMb: number, machineBytes = machineMemoryBytes()): number {
  const budget = memoryMb * 1e6
  return Math.max(budget, Math.min(timesBudget * budget + beyondBytes, (budget + machineBytes) / 2))
}
