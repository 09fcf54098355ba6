import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { withLock } from '../../../lib/store/disk/lock.ts'

it('keeps others out although the clock of the process is a day ahead of that of the file system', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-lock-'))
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 86_400_000)
  let inside = 0
  const insideMost: number[] = []
  const change = () =>
    withLock(folder, 'head', async () => {
      insideMost.push(++inside)
      await new Promise(resolve => setTimeout(resolve, 50))
      inside--
    })
  await Promise.all([change(), change(), change()]).finally(() => vi.restoreAllMocks())
  expect(insideMost).toEqual([1, 1, 1])
  await rm(folder, { recursive: true })
})
