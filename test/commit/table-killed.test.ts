import { describe, expect, it } from 'vitest'
import type { Job, World } from '../runs/protocol.ts'
import { stores } from './committing.ts'
import { filesOf, first, inTableWorld, second, snapshotIn } from './table-world.ts'

const partitioned = { batches: [['PA'], ['NY']] }
const jobs: [string, Job | undefined, Job, number][] = [
  ['the first run', undefined, first, 2],
  ['an append', first, second, 4],
  ['an overwrite', { ...first, mode: 'replace' }, { ...second, mode: 'replace' }, 2],
  [
    'partitions that are replaced',
    { ...first, ...partitioned, mode: 'replacePartitions' },
    { ...second, mode: 'replacePartitions', batches: [['PA'], ['OH']] },
    3,
  ],
]

describe.each(stores)('a run that writes a Delta table, killed at each point, on %s', (_, open) => {
  it.each(jobs)('is one version of the table after it runs again: %s', async (_, before, job, fileCount) => {
    const points = await inTableWorld(open, async world => {
      if (before) await world.run(before)
      return world.pointsOf(job)
    })
    expect(points.filter(point => /write-version|write-success|commit-head/.test(point))).toHaveLength(6)
    for (const point of points)
      await inTableWorld(open, world => killAndRunAgain(world, { before, job, point, fileCount }))
  })
})

interface Killing {
  readonly before: Job | undefined
  readonly job: Job
  readonly point: string
  readonly fileCount: number
}

async function killAndRunAgain(world: World, { before, job, point, fileCount }: Killing): Promise<void> {
  if (before) await world.run(before)
  const old = filesOf(await snapshotIn(world))
  expect(await world.runKilled(job, point), point).toBe(true)
  const between = filesOf(await snapshotIn(world))
  if (`${between}` !== `${old}`) expect(between, point).toHaveLength(fileCount)
  if (before) expect(await world.outputKeys(), point).toContain('flights/_SUCCESS')
  await world.run(job)
  const { version, files, transactions } = (await snapshotIn(world))!
  expect([version, files.size], point).toEqual([before ? 1 : 0, fileCount])
  expect(transactions.get('fanmill:flights')!.version).toBe((await world.manifest()).generation)
  expect((await world.manifest()).parts.map(part => part.key).sort(), point).toEqual([...files.keys()].sort())
  const keys = await world.outputKeys()
  for (const file of [...old, ...files.keys()]) expect(keys, point).toContain(`flights/${file}`)
  if (before) expect(filesOf(await snapshotIn(world, 0)), point).toEqual(old)
  expect(await world.pendingKeys(), point).toEqual([])
  expect((await world.run(job)).status, point).toBe('complete')
}
