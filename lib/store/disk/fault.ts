/** Converts file system errors to Fanmill's errors. */
import { CapacityError, type FanmillError, PermanentError, TransientError } from '../../errors/errors.ts'

/** Runs a file system call. @throws DISK_FULL, DATASET_MISSING, STORE_FAILED with the key and errno */
export async function withFaults<T>(verb: string, key: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw diskFault(error, verb, key)
  }
}

/** Converts a file system error; other errors are returned unchanged. */
export function diskFault(error: unknown, verb: string, key: string): unknown {
  const errno = errnoOf(error)
  if (errno === undefined) return error
  return faultOf(errno, verb, key, { cause: error })
}

/** Converts a file system error that no store has converted, with the path that it names; undefined for any other error. */
export function systemFault(error: unknown): FanmillError | undefined {
  const errno = errnoOf(error)
  if (errno === undefined) return undefined
  const { syscall = 'use', path = unnamed[syscall] ?? 'a file' } = error as NodeJS.ErrnoException
  return faultOf(errno, verbs[syscall] ?? syscall, path, { cause: error })
}

/** Words for what system calls use without naming a path. */
const unnamed: Readonly<Record<string, string>> = { uv_cwd: 'the working directory' }

/** Verbs for system calls whose names are no plain English verbs. */
const verbs: Readonly<Record<string, string>> = {
  uv_cwd: 'find',
  mkdir: 'make the folder',
  scandir: 'list',
  unlink: 'remove',
  rmdir: 'remove',
  copyfile: 'copy',
}

/** Meaning of errno names, and what to do. */
const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; give this user the right to it',
  EPERM: 'the system does not permit it; give this user the right to it',
  EROFS: 'the file system can only be read; choose another place',
  ENOTDIR: 'a file stands where a folder is expected; choose another path',
  EEXIST: 'something else has that name; choose another path, or remove it',
  ENAMETOOLONG: 'the name is too long for the file system; choose a shorter one',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'this process has too many files open; raise its limit with ulimit -n',
  ENFILE: 'the system has too many files open',
  EBUSY: 'it is in use by another program',
}

/** Returns the errno name of a file system error. */
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
      return new TransientError('STORE_FAILED', `cannot ${verb} ${key} now: ${wordsOf(errno)}`, detail, options)
    default:
      return new PermanentError('STORE_FAILED', `cannot ${verb} ${key}: ${wordsOf(errno)}`, detail, options)
  }
}

/** Returns what an errno name means, and what to do. */
export function wordsOf(errno: string): string {
  const meaning = meanings[errno]
  return meaning === undefined ? errno : `${meaning} (${errno})`
}

/** Returns whether a file system error means that the path does not exist. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')
}
