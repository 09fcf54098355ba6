import { describe, expect, it } from 'vitest'
import { inWorld, type Job, type World } from '../runs/protocol.ts'
import { one, stores, two } from './committing.ts'

describe.each(stores)('a run killed at each point, on %s', (name, open) => {
  const jobs: [string, Job | undefined, Job][] = [
    ['the first run', undefined, two],
    ['a replacing run', one, two],
    ['an append', { ...one, mode: 'append' }, { ...two, mode: 'append' }],
  ]
  it.each(jobs)('leaves a complete dataset after it runs again: %s', async (_, before, job) => {
    const points = await inWorld(open, async world => {
      if (before) await world.run(before)
      return world.pointsOf(job)
    })
    expect(points.length).toBeGreaterThan(25)
    for (const point of points) await inWorld(open, world => killAndRunAgain(world, { before, job, point }))
  })

  const killAndRunAgain = async (
    world: World,
    { before, job, point }: { before?: Job | undefined; job: Job; point: string },
  ) => {
    if (before) await world.run(before)
    expect(await world.runKilled(job, point), `${name}: ${point}`).toBe(true)
    const listed = await world.outputKeys()
    if (listed.includes('flights/_SUCCESS')) expect(listed.sort(), point).toEqual(await world.keysOfManifest())
    await world.run(job)
    expect((await world.outputKeys()).sort(), point).toEqual(await world.keysOfManifest())
    expect(await world.pendingKeys(), point).toEqual([])
    const { totals, runs } = await world.manifest()
    const runCount = job.mode === 'append' && before ? 2 : 1
    expect([runs.length, totals.rows], point).toEqual([runCount, runCount * 20])
    expect((await world.run(job)).status, point).toBe('complete')
  }
})
