/** Checks that a rename can bring files from one folder into another, and into every folder below that. */
import { randomUUID } from 'node:crypto'
import { readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PermanentError } from '../../errors/errors.ts'
import { errnoOf } from './fault.ts'
import { isAbsent } from './files.ts'

/** Nested deeper than any real tree of partitions; ends a loop of links. */
const depthMax = 20

/**
 * Compares the file systems of the folders that there are. `skipped` is the name of a subfolder that is not looked at.
 * @throws OUTPUT_OTHER_FILE_SYSTEM naming the folder
 */
export async function checkRenames(from: string, to: string, skipped: string): Promise<void> {
  const source = await existingFolder(from)
  const target = await existingFolder(to)
  const wanted = (await stat(source)).dev
  if (!(await mayRename(source, target))) throw otherFileSystem(from, target)
  for await (const folder of foldersBelow(target, target === to ? depthMax : 0, skipped))
    if ((await stat(folder)).dev !== wanted) throw otherFileSystem(from, folder)
}

function otherFileSystem(from: string, folder: string): PermanentError {
  const message = `expected the folder of the output on the file system of ${from}, where parts wait until they are committed, got ${folder} on another one; use an output root on that file system, or replace the link or mount by a folder`
  return new PermanentError('OUTPUT_OTHER_FILE_SYSTEM', message, { folder, pending: from })
}

/** The folder, or the nearest one above it that is there. */
async function existingFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(error => {
      if (isAbsent(error)) return undefined
      throw error
    })
    if (found?.isDirectory() || dirname(folder) === folder) return folder
  }
}

async function* foldersBelow(folder: string, depth: number, skipped: string): AsyncGenerator<string> {
  yield folder
  if (depth === 0) return
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name === skipped) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* foldersBelow(path, depth - 1, skipped)
    else if (entry.isSymbolicLink() && (await isFolder(path))) yield* foldersBelow(path, depth - 1, skipped)
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** A rename of a file that is not there fails with EXDEV where the folders are of two mounts of one file system, and changes nothing. */
async function mayRename(source: string, target: string): Promise<boolean> {
  const name = `fanmill-absent-${randomUUID()}`
  try {
    await rename(join(source, name), join(target, name))
    return true
  } catch (error) {
    return errnoOf(error) !== 'EXDEV'
  }
}
