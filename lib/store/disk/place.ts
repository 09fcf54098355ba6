/** Checks that files can be written to a folder, and renamed from one folder into another and into every folder below it. */
import { randomUUID } from 'node:crypto'
import { access, constants, readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PermanentError } from '../../errors/errors.ts'
import { nothingIf } from '../../errors/expected.ts'
import { errnoOf, isAbsent, wordsOf } from './fault.ts'

/** Checks that this process may write to a folder, or to the nearest existing one above it. @throws OUTPUT_READ_ONLY naming it */
export async function checkWritable(path: string): Promise<void> {
  const folder = await existingFolder(path)
  try {
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    // A run that ended meanwhile removed the folder, which it had emptied: it is made in the one above.
    if (isAbsent(error) && dirname(folder) !== folder) return checkWritable(dirname(folder))
    const errno = errnoOf(error) ?? 'EACCES'
    const message = `cannot write to ${folder}: ${wordsOf(errno)}`
    throw new PermanentError('OUTPUT_READ_ONLY', message, { folder, errno }, { cause: error })
  }
}

/** Deeper than any real tree of partitions; ends a loop of links. */
const depthMax = 20

/** Folders that are read at once: enough to keep the thread pool busy. */
const foldersAtOnce = 64

/**
 * Compares the file systems of the existing folders. `skipped` is the name of a subfolder that is not checked.
 * Requests: one stat and one listing per folder, 64 folders at once.
 * @throws OUTPUT_OTHER_FILE_SYSTEM naming the folder
 */
export async function checkRenames(from: string, to: string, skipped: string): Promise<void> {
  for (let tryNumber = 1; ; tryNumber++) {
    try {
      return await checkFolders(from, to, skipped)
    } catch (error) {
      // Runs that end meanwhile remove the folders that they have emptied.
      if (!isAbsent(error) || tryNumber === triesMax) throw error
    }
  }
}

/** Enough for as many runs as end at the same time. */
const triesMax = 20

async function checkFolders(from: string, to: string, skipped: string): Promise<void> {
  const source = await existingFolder(from)
  const target = await existingFolder(to)
  const { dev } = await stat(source)
  if (!(await canRename(source, target))) throw otherFileSystem(from, target)
  let level = [target]
  for (let depth = target === to ? depthMax : 0; level.length > 0; depth--) {
    const below: string[][] = []
    for (let start = 0; start < level.length; start += foldersAtOnce) {
      const folders = level.slice(start, start + foldersAtOnce)
      const devices = await Promise.all(folders.map(async folder => (await stat(folder)).dev))
      const other = folders[devices.findIndex(device => device !== dev)]
      if (other !== undefined) throw otherFileSystem(from, other)
      if (depth > 0) below.push(...(await Promise.all(folders.map(folder => subfolders(folder, skipped)))))
    }
    level = below.flat()
  }
}

function otherFileSystem(from: string, folder: string): PermanentError {
  const message = `expected the folder of the output on the file system of ${from}, where parts are kept until they are committed, got ${folder} on another file system; use an output root on that file system, or replace the link or mount with a folder`
  return new PermanentError('OUTPUT_OTHER_FILE_SYSTEM', message, { folder, pending: from })
}

/** Returns the folder, or the nearest existing one above it. */
async function existingFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(nothingIf(isAbsent))
    if (found?.isDirectory() || dirname(folder) === folder) return folder
  }
}

async function subfolders(folder: string, skipped: string): Promise<string[]> {
  const paths: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === skipped) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) paths.push(path)
  }
  return paths
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** Renames a file that does not exist, which fails with EXDEV between two mounts of one file system and changes nothing. */
async function canRename(source: string, target: string): Promise<boolean> {
  const name = `fanmill-absent-${randomUUID()}`
  try {
    await rename(join(source, name), join(target, name))
    return true
  } catch (error) {
    return errnoOf(error) !== 'EXDEV'
  }
}
