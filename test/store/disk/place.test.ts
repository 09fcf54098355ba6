/** Checks of whether files can be written to a folder, while other runs create and remove folders. */
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkWritable } from '../../../lib/store/disk/place.ts'

it('finds that a folder can be written while it is created and removed again and again', async () => {
  const root = await mkdtemp(join(tmpdir(), 'place-'))
  const folder = join(root, 'emptied')
  let checked = 0
  const checks = Array.from({ length: 16 }, async () => {
    for (let round = 0; round < 300; round++) {
      await checkWritable(join(folder, 'below'))
      checked++
    }
  })
  let isOver = false
  const done = Promise.all(checks).finally(() => (isOver = true))
  while (!isOver) {
    await mkdir(folder)
    await rmdir(folder)
  }
  await done
  expect(checked).toBe(16 * 300)
})
