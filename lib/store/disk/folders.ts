/** Makes folders that survive a power cut: an entry of a folder is on the disk only once that folder is synced, also that of a new subfolder. */
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { nothingIf } from '../../errors/expected.ts'
import { errnoOf, isAbsent } from './fault.ts'
import { syncFolder } from './sync.ts'

/** Limit on recreating a folder that another process removes during a write. */
const placeTriesMax = 10

/**
 * Makes a folder and those above it, and syncs the folders that hold the new ones, up to the one that holds `lasting`: what is below
 * need not survive. The content of the folder itself is synced by the caller.
 */
export async function makeFolder(folder: string, lasting = folder): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first !== undefined) await syncAbove(first, lasting)
}

/**
 * Runs `act`, which needs the folder of `path`, and makes the folder when it is missing. Another process may remove it, or one above it,
 * as long as it is empty: so it is synced when it is not, after `act`. @see makeFolder
 */
export async function inFolderOf<T>(path: string, act: () => Promise<T>, lasting = dirname(path)): Promise<T> {
  let first: string | undefined
  for (let tries = 0; ; tries++) {
    try {
      if (tries > 0) first = higher(first, await mkdir(dirname(path), { recursive: true }))
      const result = await act()
      if (first !== undefined) await syncAbove(first, lasting)
      return result
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || tries === placeTriesMax) throw error
    }
  }
}

/** Syncs the folders that hold `first` and those below it, up to `lasting`. One that another process removed has nothing that could be lost. */
async function syncAbove(first: string, lasting: string): Promise<void> {
  // All of them are above `lasting`, so that a longer path is a deeper one.
  const firstLength = resolve(first).length
  for (let path = resolve(lasting); path.length >= firstLength; path = dirname(path))
    await syncFolder(dirname(path)).catch(nothingIf(isAbsent))
}

/** Returns the one that is higher up of two folders on one path. */
const higher = (one: string | undefined, other: string | undefined): string | undefined =>
  one === undefined || (other !== undefined && resolve(other).length < resolve(one).length) ? other : one
