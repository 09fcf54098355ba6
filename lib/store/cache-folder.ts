/** Finds the folder in which Fanmill keeps files for later processes of this user, and whether they are this user's own. */
import { mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Returns the folder for files of this kind: below `XDG_CACHE_HOME`, else below `~/.cache`. */
export function cacheFolder(kind: 'bindings' | 'compiled'): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fanmill', kind)
}

/** Returns the folder after making it for this user alone; undefined where others can have written it. @throws Error when it cannot be made */
export function ownCacheFolder(kind: 'bindings' | 'compiled'): string | undefined {
  const folder = cacheFolder(kind)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return isOwnAlone(statSync(folder)) ? folder : undefined
}

/** Returns whether this user alone can have written a file, or the files in a folder. Windows has no such modes: folders of a user are private there. */
export function isOwnAlone({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
}
