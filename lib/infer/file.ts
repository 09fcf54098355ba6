/** Checks the files of `infer`, with a plain reason when one cannot be read. */
import { access, constants, stat } from 'node:fs/promises'
import { PermanentError } from '../errors/errors.ts'

/** Checks that a path is a readable file. @throws NO_INPUT when there is none, USAGE for what is no file, INPUT_INVALID when it may not be read */
export async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw notFoundError(path, error)
  })
  if (!found.isFile()) {
    const message = `expected an archive or a file, got ${path}, which is neither; save its bytes to a file first`
    throw new PermanentError('USAGE', message, { path })
  }
  await access(path, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw notReadableError(path, error)
  })
}

function notFoundError(path: string, error: NodeJS.ErrnoException): PermanentError {
  if (error.code === 'EACCES' || error.code === 'EPERM') return notReadableError(path, error)
  const why = reasons[error.code ?? ''] ?? 'got nothing'
  const message = `expected an archive or a file, ${why} at ${path}; check the path`
  return new PermanentError('NO_INPUT', message, { path, errno: error.code }, { cause: error })
}

const reasons: Readonly<Record<string, string>> = {
  ENOTDIR: 'got a path that leads through a file, not through folders,',
  ELOOP: 'got links that lead in a circle',
  ENAMETOOLONG: 'got a name that is too long for a file system',
}

function notReadableError(path: string, error: NodeJS.ErrnoException): PermanentError {
  const message = `expected a file that may be read, got one that this user may not read: ${path}; change its permissions, for example with chmod +r, or those of the folders above it`
  return new PermanentError('INPUT_INVALID', message, { path, errno: error.code }, { cause: error })
}
