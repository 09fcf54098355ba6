/** Faults of the file system as Fanmill's errors. */
import { CapacityError, type FanmillError, PermanentError, TransientError } from '../core/errors.ts'

/** Runs a file system call; a fault becomes DISK_FULL, DATASET_MISSING or STORE_FAILED with the key and errno. */
export async function withFaults<T>(verb: string, key: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw diskFault(error, verb, key)
  }
}

/** The error for what a file system call threw; Fanmill's own errors pass through. */
export function diskFault(error: unknown, verb: string, key: string): unknown {
  const errno = errnoOf(error)
  if (errno === undefined) return error
  return faultOf(errno, verb, key, { cause: error })
}

/** The errno name of a file system fault. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error || 'syscall' in error) || !('code' in error)) return undefined
  return String(error.code)
}

function faultOf(errno: string, verb: string, key: string, options: ErrorOptions): FanmillError {
  const detail = { key, errno }
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new CapacityError('DISK_FULL', `cannot ${verb} ${key}: the disk is full; free some space`, detail, options)
    case 'ENOENT':
    case 'EISDIR':
      return new PermanentError('DATASET_MISSING', `cannot ${verb} ${key}: there is no such file`, detail, options)
    case 'EMFILE':
    case 'ENFILE':
    case 'EAGAIN':
    case 'EBUSY':
    case 'ETIMEDOUT':
    case 'ESTALE':
      return new TransientError('STORE_FAILED', `cannot ${verb} ${key} now: ${errno}`, detail, options)
    default:
      return new PermanentError('STORE_FAILED', `cannot ${verb} ${key}: ${errno}`, detail, options)
  }
}
