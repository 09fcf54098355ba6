import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { abortableReads } from '../../lib/store/abortable-reads.ts'
import { diskStore } from '../../lib/store/disk/store.ts'

it('ends the scan of a large file when the run is stopped, and refuses further reads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-reads-'))
  writeFileSync(join(folder, 'a'), '')
  truncateSync(join(folder, 'a'), 64e6)
  const stopping = new AbortController()
  const store = abortableReads(diskStore(folder), stopping.signal)
  expect(await store.stat('a')).toMatchObject({ sizeBytes: 64e6 })
  let bytesScanned = 0
  const scanning = store.scan?.('a', {}, ({ length }) => {
    bytesScanned += length
    stopping.abort()
  })
  await expect(scanning).rejects.toMatchObject({ code: 'ABORTED' })
  expect(bytesScanned).toBeLessThan(64e6)
  await expect(store.read('a')).rejects.toMatchObject({ code: 'ABORTED' })
  await expect(Array.fromAsync(store.list(''))).rejects.toMatchObject({ code: 'ABORTED' })
})
