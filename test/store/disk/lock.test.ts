import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { withLock } from '../../../lib/store/disk/lock.ts'

/** How often the stats of a lock were asked for; the first answer is that it was released, although it is held again by then. */
let asked = 0
let onAskedAgain = (): void => {}

vi.mock(import('../../../lib/store/disk/files.ts'), async original => {
  const files = await original()
  return {
    ...files,
    statFile: async path => {
      if (++asked === 1) return undefined
      onAskedAgain()
      return files.statFile(path)
    },
  }
})

it('waits for a lock that was released and taken again while it was looked at', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-lock-'))
  const order: string[] = []
  const release = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  const first = withLock(folder, 'head', async () => {
    taken.resolve()
    await release.promise
    order.push('first ends')
  })
  await taken.promise
  onAskedAgain = release.resolve
  const second = withLock(folder, 'head', async () => {
    order.push('second begins')
    release.resolve()
  })
  await Promise.all([first, second])
  expect(order).toEqual(['first ends', 'second begins'])
  await rm(folder, { recursive: true })
})
