/** Finds the folder in which Node and `kept-code.ts` keep compiled code for later starts of this user. */
import { rmSync } from 'node:fs'
import { cacheFolder, ownCacheFolder } from '../store/cache-folder.ts'

/**
 * Returns the folder: that of `NODE_COMPILE_CACHE` where it is set, else one of this user alone, because compiled code is run as it is.
 * Returns undefined where there is none that can be written, as in a Lambda function.
 */
export function compileCacheFolder(): string | undefined {
  const { NODE_COMPILE_CACHE } = process.env
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE
  try {
    return ownCacheFolder('compiled')
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
