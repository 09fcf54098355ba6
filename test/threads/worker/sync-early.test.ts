/** Parts that are synced to the disk while they are written. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { syncEarly } from '../../../lib/threads/worker/sync-early.ts'

const folder = mkdtempSync(join(tmpdir(), 'fanmill-sync-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Makes a file that is long enough to be synced. */
function longFile(path: string): void {
  writeFileSync(path, '')
  truncateSync(path, 8 * 2 ** 20)
}

/** Converts until a file was synced, and returns which. */
async function syncedFile(target: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  return syncEarly(
    target,
    () => promise,
    async file => resolve(file),
  )
}

it('syncs the long file of a conversion, or those in its folder but not those of partitions', async () => {
  longFile(join(folder, 'one.parquet'))
  expect(await syncedFile(join(folder, 'one'))).toBe(join(folder, 'one.parquet'))
  mkdirSync(join(folder, 'several/country=AT'), { recursive: true })
  writeFileSync(join(folder, 'several/data_0.parquet'), '')
  longFile(join(folder, 'several/data_1.parquet'))
  expect(await syncedFile(join(folder, 'several'))).toBe(join(folder, 'several/data_1.parquet'))
})

it('fails a conversion whose parts cannot be synced, because the system reports that only once', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  longFile(join(folder, 'failing.parquet'))
  const failing = async (): Promise<void> => {
    resolve()
    throw Object.assign(new Error('i/o error'), { code: 'EIO' })
  }
  await expect(syncEarly(join(folder, 'failing'), () => promise, failing)).rejects.toThrow('i/o error')
})
