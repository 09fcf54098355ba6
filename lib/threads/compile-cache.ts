/** Finds the folder in which Node keeps compiled code for later starts of this user. */
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * Returns the folder: that of `NODE_COMPILE_CACHE` where it is set, else one of this user alone, because compiled code is run as it is.
 * Returns undefined where there is none that can be written, as in a Lambda function.
 */
export function compileCacheFolder(): string | undefined {
  const { NODE_COMPILE_CACHE } = process.env
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE
  try {
    const folder = ownFolder()
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(folder)
    const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
    return isOwn ? folder : undefined
  } catch {
    return undefined
  }
}

/** Removes the compiled code; the next start compiles again. A folder that the user has named stays. */
export function removeCompileCache(): void {
  try {
    rmSync(ownFolder(), { recursive: true, force: true })
  } catch {
    // Deliberately ignored, because the folder does no harm.
  }
}

const ownFolder = (): string => join(userCaches(), 'fanmill', 'compiled')

/** Returns the folder for caches of this user, as the system has it. */
function userCaches(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME)) return XDG_CACHE_HOME
  if (process.platform === 'win32' && LOCALAPPDATA) return LOCALAPPDATA
  return join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache')
}
