/** Finds the files of `infer` and checks them, with a plain reason when one cannot be read. */
import { existsSync } from 'node:fs'
import { access, constants, readdir, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { PermanentError } from '../errors/errors.ts'
import { cutLiteral, escapeGlob, excludedGlob, globMatcher } from '../paths/glob.ts'
import { listKeys } from '../store/disk/list.ts'

/** Returns the path, or the files that match it where it is a glob and no file. Folders below the last segment of the glob are not read. @throws NO_INPUT when none does */
export async function matchingFiles(path: string): Promise<readonly string[]> {
  const { literal, rest } = cutLiteral(path)
  if (rest === '' || excludedGlob(path) !== undefined || existsSync(path)) return [path]
  const folder = literal.slice(0, literal.lastIndexOf('/') + 1)
  const glob = `${escapeGlob(literal.slice(folder.length))}${rest}`
  const depth = glob.includes('**') ? Number.POSITIVE_INFINITY : glob.split('/').length
  const skips = (key: string): boolean => key.split('/').length > depth || key.endsWith('node_modules/')
  const files = (await Array.fromAsync(listKeys(resolve(folder), '', skips))).filter(globMatcher(glob))
  if (files.length > 0) return files.sort().map(file => folder + file)
  throw new PermanentError('NO_INPUT', `expected files that match ${path}, got none; check the pattern`, { path })
}

/** Checks that a path is a readable file. @throws NO_INPUT when there is none, USAGE for a folder, INPUT_INVALID when it may not be read */
export async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw notFoundError(path, error)
  })
  if (found.isDirectory()) throw await folderError(path)
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

async function folderError(path: string): Promise<PermanentError> {
  const names = await readdir(path, { withFileTypes: true }).catch(() => [])
  const example = names.find(entry => entry.isFile() && !entry.name.startsWith('.'))?.name
  const advice =
    example === undefined
      ? 'give an archive or a file'
      : `give one of its files, for example ${path.replace(/\/$/, '')}/${example}`
  return new PermanentError('USAGE', `expected an archive or a file, got the folder ${path}; ${advice}`, { path })
}
