/** Brings files and the entries of folders down to the disk. */
import { open } from 'node:fs/promises'
import { errnoOf } from './fault.ts'

/** Brings a file's or folder's content down to the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } catch (error) {
    // Deliberately ignored, because some file systems cannot sync a folder and offer nothing else.
    if (!['EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
  } finally {
    await file.close()
  }
}

/** The last sync of each folder that was asked for, until it has ended. */
const lastSyncs = new Map<string, Promise<void>>()
/** Syncs that wait for the one before to end, by folder. */
const waitingSyncs = new Map<string, Promise<void>>()

/** Brings the entries of a folder down to the disk. Calls that come while it is synced share the next sync. */
export function syncFolder(folder: string): Promise<void> {
  const waiting = waitingSyncs.get(folder)
  if (waiting) return waiting
  const before = lastSyncs.get(folder)
  const sync = before ? syncAfter(before, folder) : syncPath(folder)
  if (before) waitingSyncs.set(folder, sync)
  lastSyncs.set(folder, sync)
  const end = (): void => {
    if (lastSyncs.get(folder) === sync) lastSyncs.delete(folder)
  }
  sync.then(end, end)
  return sync
}

async function syncAfter(before: Promise<void>, folder: string): Promise<void> {
  await before.catch(() => undefined)
  waitingSyncs.delete(folder)
  await syncPath(folder)
}
