/** Finds the folder in which Node keeps compiled code for later starts of this user. */
import { mkdirSync, rmSync, statSync } from 'node:fs'
import { cacheFolder, isOwnAlone } from '../store/cache-folder.ts'

/**
 * Returns the folder: that of `NODE_COMPILE_CACHE` where it is set, else one of this user alone, because compiled code is run as it is.
 * Returns undefined where there is none that can be written, as in a Lambda function.
 */
export function compileCacheFolder(): string | undefined {
  const { NODE_COMPILE_CACHE } = process.env
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE
  try {
    const folder = cacheFolder('compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return isOwnAlone(statSync(folder)) ? folder : undefined
  } catch {
    return undefined
  }
}

/** Removes the compiled code; the next start compiles again. A folder that the user has named stays. */
export function removeCompileCache(): void {
  try {
    rmSync(cacheFolder('compiled'), { recursive: true, force: true })
  } catch {
    // Deliberately ignored, because the folder does no harm.
  }
}
