import { describe, expect, it } from 'vitest'
import { runKeys, stateBytes } from '../../lib/core/state.ts'
import { memoryStore } from '../../lib/io/memory-store.ts'
import { clean, planClean } from '../../lib/steps/clean.ts'
import type { ReservedRun } from '../../lib/steps/reserve.ts'
import { endRun } from '../../lib/steps/run-lease.ts'
import { listRuns, readRun } from '../../lib/steps/runs.ts'
import { inWorld, type Job, type World } from './protocol.ts'

const one: Job = { inputs: { 'a.zip': 'A' }, params: { month: '2001-01' } }
const two: Job = { inputs: { 'a.zip': 'A', 'b.zip': 'B' } }
const day = 86_400_000

const test = (title: string, act: (world: World) => Promise<void>) => it(title, () => inWorld(() => memoryStore(), act))

/** Reserves, plans two batches and does the first. */
const half = async (world: World, job: Job) => {
  const actor = world.actor()
  const run = (await world.reserve(actor, job)) as ReservedRun
  const item = { members: 'x', range: { start: 0, end: 1 }, sliceCount: 1, memberCount: 1, bytes: 1 }
  const plan = [0, 1].map(batch => ({ ...item, batch }))
  await world.store.write(runKeys(run.runId, run.attempt).plan, stateBytes(plan))
  await world.process(actor, run, { ...job, batches: [['']] })
  return { actor, run }
}

describe('what ran', () => {
  test('shows a run while it works, with its progress', async world => {
    const { actor, run } = await half(world, one)
    expect(await listRuns(world.store, world)).toEqual([
      {
        runId: run.runId,
        attempt: 1,
        task: 'flights',
        params: { month: '2001-01' },
        status: 'running',
        output: 'flights',
        owner: actor.owner,
        batches: 2,
        batchesDone: 1,
        rows: 10,
        rowsRead: 10,
        rowsRejected: 0,
        members: 1,
        startedAt: '2001-01-01T00:00:00.000Z',
        failures: [],
        rejects: [],
      },
    ])
  })

  test('shows one whose process died as interrupted, and one that gave up as failed', async world => {
    const { actor, run } = await half(world, one)
    actor.die()
    expect((await readRun(world.store, world)).status).toBe('interrupted')
    const failure = { batch: 1, try: 1, code: 'ZIP_CRC_MISMATCH', message: 'bad', at: 'then', member: 'x.csv' }
    await world.store.write(runKeys(run.runId, 1).failure(1, 1), stateBytes(failure))
    const error = new Error('1 of 2 batches have no outcome')
    await endRun(world.store, run, { owner: actor.owner, now: world.now, status: 'failed', error })
    expect(await readRun(world.store, world)).toMatchObject({
      status: 'failed',
      endedAt: '2001-01-01T00:00:00.000Z',
      failures: [failure],
      error: { message: '1 of 2 batches have no outcome' },
    })
  })

  test('shows a committed run as complete, also when another has replaced it', async world => {
    const { actor, run } = await half(world, one)
    await world.process(actor, run, one)
    await world.commit(actor, run, one)
    world.time += day
    await world.run(two)
    const runs = await listRuns(world.store, world)
    expect(runs.map(({ status, startedAt }) => [status, startedAt.slice(0, 10)])).toEqual([
      ['complete', '2001-01-02'],
      ['complete', '2001-01-01'],
    ])
    expect(runs[1]).toMatchObject({ runId: run.runId, batchesDone: 2, rows: 20 })
  })

  test('lists only the latest, and reads no more than the record of the others', async world => {
    for (let run = 0; run < 5; run++) {
      world.time += day
      await world.run({ inputs: { 'a.zip': `version ${run}` } })
    }
    const all = await listRuns(world.store, world)
    expect(await listRuns(world.store, world, 2)).toEqual(all.slice(0, 2))
    expect(await listRuns(world.store, world, 9)).toEqual(all)
  })

  test('finds a run by its first digits, in its latest attempt, or the latest of all', async world => {
    const { runId } = await world.run(one)
    await world.run({ ...one, force: true })
    world.time += day
    const last = await world.run(two)
    expect(await readRun(world.store, world, runId.slice(0, 6))).toMatchObject({ runId, attempt: 2 })
    expect((await readRun(world.store, world)).runId).toBe(last.runId)
    await expect(readRun(world.store, world, `${runId.slice(0, 15)}x`)).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
      message: expect.stringContaining(runId),
    })
    await expect(readRun(world.store, world, '')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  })
})

describe('clean', () => {
  const options = (world: World) => ({ olderThanMs: 7 * day, now: world.now, isAlive: world.isAlive })

  test('removes old state and parts that were left, but nothing of a dataset', async world => {
    const { runId } = await world.run(one)
    await world.run({ ...one, force: true })
    const { run } = await half(world, two)
    world.time += 8 * day
    const visible = await world.outputKeys()
    const plan = await planClean(world.store, options(world))
    expect(plan.parts.map(part => part.key)).toEqual([`flights/part-0-0-${run.runId}-1.parquet`])
    const attempts = new Set(plan.objects.map(({ key }) => key.split('/').slice(2, 4).join('/')))
    expect([...attempts].sort()).toEqual([`${runId}/1`, `${run.runId}/1`].sort())
    await clean(world.store, plan)
    expect(await world.outputKeys()).toEqual(visible)
    expect(await planClean(world.store, options(world))).toEqual({ objects: [], parts: [], damaged: [] })
    expect(await world.run(one)).toMatchObject({ status: 'complete' })
    expect(await world.run({ ...one, force: true })).toMatchObject({ attempt: 3 })
    expect(await world.run(two)).toMatchObject({ status: 'new', attempt: 1 })
    expect((await world.outputKeys()).sort()).toEqual(await world.keysOfManifest())
  })

  test('keeps what is young, or lives, so that it can be resumed', async world => {
    const { actor, run } = await half(world, one)
    world.time += 6 * day
    expect(await planClean(world.store, options(world))).toEqual({ objects: [], parts: [], damaged: [] })
    world.time += 6 * day
    await world.store.write(
      runKeys(run.runId, 1).lease,
      stateBytes({ owner: actor.owner, leaseUntil: world.time + 1000 }),
    )
    expect(await planClean(world.store, options(world))).toEqual({ objects: [], parts: [], damaged: [] })
    actor.die()
    world.time += 8 * day
    expect((await planClean(world.store, options(world))).parts).toHaveLength(1)
  })
})
