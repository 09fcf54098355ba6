/** State files that are not what their program writes: one of them must not stop the work on all others. */
import { FanmillError } from '../errors/errors.ts'
import type { Store } from '../store/store.ts'
import { readState } from './files.ts'

/** A state file that was cut short, edited, or written by another version. */
export interface DamagedFile {
  readonly isDamaged: true
  readonly key: string
  /** What was expected, and what helps. */
  readonly message: string
}

/** Reads a state file as `readState` does, but returns a damaged one as what it is. */
export function readUndamaged<T>(
  store: Store,
  key: string,
  parse: (bytes: Uint8Array, key: string) => T,
): Promise<T | DamagedFile | undefined> {
  return orDamaged(() => readState(store, key, parse))
}

/** Returns what `read` does, or the damaged file that it came upon. */
export async function orDamaged<T>(read: () => Promise<T>): Promise<T | DamagedFile> {
  try {
    return await read()
  } catch (error) {
    const file = damagedFile(error)
    if (file) return file
    throw error
  }
}

/** The state file that an error is about; undefined for any other error. */
export function damagedFile(error: unknown): DamagedFile | undefined {
  if (!(error instanceof FanmillError) || error.code !== 'STATE_INVALID') return undefined
  return { isDamaged: true, key: String(error.detail.key), message: error.message }
}

export function isDamaged(value: unknown): value is DamagedFile {
  return typeof value === 'object' && value !== null && (value as Partial<DamagedFile>).isDamaged === true
}
