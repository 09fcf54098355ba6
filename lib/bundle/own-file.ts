/** Files that decide which code runs: this user alone may have written one that is read. */
import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isOwnAlone } from '../store/cache-folder.ts'
import { temporaryPath } from '../store/disk/files.ts'

/** @throws Error when there is no file, or another user may have written it */
export function readOwnFile(path: string): string {
  const file = openSync(path, 'r')
  try {
    if (!isOwnAlone(fstatSync(file))) throw new Error(`${path} may have been written by another user`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** Writes a file as a whole, for this user alone. A folder that cannot be written is no error. */
export function writeOwnFile(path: string, text: string): void {
  const temporary = temporaryPath(dirname(path))
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, path)
  } catch {
    rmSync(temporary, { force: true })
  }
}

/** Sets the time of a file, because `clean` removes what has not been used for long. */
export function markUsed(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // Deliberately ignored, because another user may have written the file.
  }
}
