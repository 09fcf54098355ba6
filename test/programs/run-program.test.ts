import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { runProgram } from '../../lib/programs/run-program.ts'

it('lets what a stopped program started end by itself, however the clock is set meanwhile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanmill-program-'))
  const child = `trap 'sleep 1; touch ended; exit' TERM; touch ready; while :; do sleep 0.05; done`
  const controller = new AbortController()
  const running = runProgram({
    command: [
      'sh',
      '-c',
      `sh -c "$CHILD" >/dev/null 2>&1 & while [ ! -e ready ]; do sleep 0.05; done; echo ready; wait`,
    ],
    environment: { ...process.env, CHILD: child },
    folder,
    signal: controller.signal,
    subject: 'task t',
    onLine: () => controller.abort(),
  })
  let time = Date.now()
  vi.spyOn(Date, 'now').mockImplementation(() => {
    time += 3_600_000
    return time
  })
  await expect(running.finally(() => vi.restoreAllMocks())).rejects.toMatchObject({ code: 'ABORTED' })
  expect(existsSync(join(folder, 'ended'))).toBe(true)
  await rm(folder, { recursive: true })
})
