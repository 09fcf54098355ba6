/** Reads damaged state files as values, so that one of them does not stop the work on all others. */
import { hasCode } from '../errors/expected.ts'
import type { Store } from '../store/store.ts'
import { readState, type StateReader } from './files.ts'

/** A state file that was cut short, edited, or written by another version. */
export interface DamagedFile {
  readonly isDamaged: true
  readonly key: string
  /** The expected content, and what to do. */
  readonly message: string
}

/** Reads a state file; returns a `DamagedFile` where `readState` throws STATE_INVALID. */
export function readUndamaged<T>(store: Store, key: string, parse: StateReader<T>) {
  return orDamaged(() => readState(store, key, parse))
}

/** Returns the result of `read`, or the damaged file that stopped it. */
export async function orDamaged<T>(read: () => Promise<T>): Promise<T | DamagedFile> {
  try {
    return await read()
  } catch (error) {
    const file = damagedFile(error)
    if (file) return file
    throw error
  }
}

/** Returns the state file of a STATE_INVALID error; undefined for any other error. */
export function damagedFile(error: unknown): DamagedFile | undefined {
  if (!hasCode(error, 'STATE_INVALID')) return undefined
  return { isDamaged: true, key: String(error.detail.key), message: error.message }
}

export function isDamaged(value: unknown): value is DamagedFile {
  return typeof value === 'object' && value !== null && (value as Partial<DamagedFile>).isDamaged === true
}
