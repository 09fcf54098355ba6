/** What this process may use of its machine. */
import { totalmem } from 'node:os'

/** Bytes: its control group's limit where there is one, else all that the machine has. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}
