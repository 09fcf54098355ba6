/** The memory that this process may use. */
import { totalmem } from 'node:os'

/** Returns the limit of the control group in bytes where there is one, else the memory of the machine. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}
