/** Brings parts down to the disk while the engine still writes them: a disk writes a gigabyte a second at best, and nobody waits for it then. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsent } from '../../store/disk/fault.ts'
import { syncPath } from '../../store/disk/sync.ts'

const intervalMs = 250
/** Bytes that are left to wait for at the end. */
const leftBytesMax = 8 * 2 ** 20

/**
 * Converts rows to the file `{target}.parquet`, or to files in the folder `target`, and syncs them meanwhile. The store syncs what is
 * left. @throws what a sync throws, because the system reports an error only once
 */
export async function syncEarly<T>(target: string, convert: () => Promise<T>, syncFile = syncPath): Promise<T> {
  const synced = new Map<string, number>()
  let syncing: Promise<unknown> | undefined
  let fault: { readonly error: unknown } | undefined
  const syncAll = async (): Promise<void> => {
    try {
      for (const file of await filesOf(target)) {
        const { size } = await stat(file)
        if (size - (synced.get(file) ?? 0) < leftBytesMax) continue
        await syncFile(file)
        synced.set(file, size)
      }
      syncing = undefined
    } catch (error) {
      if (isAbsent(error)) syncing = undefined
      else fault = { error }
    }
  }
  const timer = setInterval(() => {
    syncing ??= syncAll()
  }, intervalMs)
  const result = await convert().finally(async () => {
    clearInterval(timer)
    await syncing
  })
  if (fault) throw fault.error
  return result
}

/** Returns the files of a target that has no folders of partitions, of which there may be very many. */
async function filesOf(target: string): Promise<string[]> {
  const entries = await readdir(target, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return [`${target}.parquet`]
  return entries.filter(entry => entry.isFile()).map(entry => join(target, entry.name))
}
