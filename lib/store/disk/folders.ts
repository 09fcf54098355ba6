/** Makes folders that survive a power cut: an entry of a folder is on the disk only once that folder is synced, also that of a new subfolder. */
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errnoOf } from './fault.ts'
import { syncFolder } from './sync.ts'

/** Limit on recreating a folder that another process removes during a write. */
const placeTriesMax = 10

/**
 * Makes a folder and those above it, and syncs the folders that hold the new ones, up to the one that holds `lasting`: what is below
 * need not survive. The content of the folder itself is synced by the caller.
 */
export async function makeFolder(folder: string, lasting = folder): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  // All of them are above `folder`, so that a longer path is a deeper one.
  const firstLength = resolve(first).length
  for (let path = resolve(lasting); path.length >= firstLength; path = dirname(path)) await syncFolder(dirname(path))
}

/** Runs `act`, which needs the folder of `path`, and makes the folder when it is missing or another process removes it. @see makeFolder */
export async function inFolderOf<T>(path: string, act: () => Promise<T>, lasting?: string): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || tries === placeTriesMax) throw error
      await makeFolder(dirname(path), lasting)
    }
  }
}
