import { describe, expect, it } from 'vitest'
import type { ReservedRun } from '../../lib/model/run/reserved-run.ts'
import { clean, planClean } from '../../lib/runs/clean.ts'
import { endRun } from '../../lib/runs/run-lease.ts'
import { listRuns, readRun } from '../../lib/runs/runs.ts'
import { shippedKeys } from '../../lib/state/shipped-state.ts'
import { runKeys, stateBytes } from '../../lib/state/state.ts'
import { type MemoryStore, memoryStore, type StoreRequest } from '../../lib/store/memory-store.ts'
import { exchangeRoot, shippedRoot } from '../../lib/store/state-root.ts'
import { inWorld, type Job, type World } from './protocol.ts'

const one: Job = { inputs: { 'a.zip': 'A' }, params: { month: '2001-01' } }
const two: Job = { inputs: { 'a.zip': 'A', 'b.zip': 'B' } }
const day = 86_400_000

const test = (title: string, act: (world: World) => Promise<void>) => it(title, () => inWorld(() => memoryStore(), act))

/** Reserves a run, plans two batches and processes the first. */
const half = async (world: World, job: Job) => {
  const actor = world.actor()
  const run = (await world.reserve(actor, job)) as ReservedRun
  const item = { members: 'x', range: { start: 0, end: 1 }, sliceCount: 1, memberCount: 1, bytes: 1 }
  const plan = [0, 1].map(batch => ({ ...item, batch }))
  await world.store.write(runKeys(run).plan, stateBytes(plan))
  await world.process(actor, run, { ...job, batches: [['']] })
  return { actor, run }
}

describe('the list of runs', () => {
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
        rowsWritten: 10,
        rowsRead: 10,
        rowsRejected: 0,
        members: 1,
        startedAt: '2001-01-01T00:00:00.000Z',
        failures: [],
        rejects: [],
      },
    ])
  })

  test('shows a run whose process died as interrupted, and one that ended with an error as failed', async world => {
    const { actor, run } = await half(world, one)
    actor.die()
    expect((await readRun(world.store, world)).status).toBe('interrupted')
    const failure = { batch: 1, try: 1, code: 'ZIP_CRC_MISMATCH', message: 'bad', at: 'then', member: 'x.csv' }
    await world.store.write(runKeys({ ...run, attempt: 1 }).failure(1, 1), stateBytes(failure))
    const error = new Error('1 of 2 batches have no outcome')
    await endRun(world.store, run, { owner: actor.owner, now: world.now, status: 'failed', error })
    expect(await readRun(world.store, world)).toMatchObject({
      status: 'failed',
      endedAt: '2001-01-01T00:00:00.000Z',
      failures: [failure],
      error: { message: '1 of 2 batches have no outcome' },
    })
  })

  test('shows a committed run as complete, also when another run has replaced it', async world => {
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
    expect(runs[1]).toMatchObject({ runId: run.runId, batchesDone: 2, rowsWritten: 20 })
  })

  test('lists only the latest runs, and reads only the record of the others', async world => {
    for (let run = 0; run < 5; run++) {
      world.time += day
      await world.run({ inputs: { 'a.zip': `version ${run}` } })
    }
    const all = await listRuns(world.store, world)
    expect(await listRuns(world.store, world, 2)).toEqual(all.slice(0, 2))
    expect(await listRuns(world.store, world, 9)).toEqual(all)
  })

  test('finds the latest attempt of a run by its first digits, or the latest run of all', async world => {
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
    await expect(readRun(world.store, world, '')).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
      message: expect.stringMatching(
        /^expected the first digits of one run in .+, got , with which 2 begin: .+; give more digits$/,
      ),
    })
  })
})

describe('with many runs in the state', () => {
  const requests: StoreRequest[] = []
  const onRequest = (request: StoreRequest, phase: 'before' | 'after') => {
    if (phase === 'before') requests.push(request)
  }
  const many = (title: string, act: (world: World) => Promise<void>) =>
    it(title, () => inWorld(() => memoryStore({ onRequest }), act))

  /** Copies a run's state under other ids. */
  const manyRuns = async (world: World, count: number) => {
    const run = await world.run(one)
    const { objects } = world.store as MemoryStore
    const files = [...objects].filter(([key]) => key.startsWith(runKeys({ ...run, attempt: 1 }).folder))
    for (let n = 0; n < count; n++) {
      const runId = n.toString(16).padStart(16, '0')
      for (const [key, bytes] of files)
        objects.set(
          key.replace(run.runId, runId),
          Buffer.from(Buffer.from(bytes).toString().replaceAll(run.runId, runId)),
        )
    }
    requests.length = 0
    return run
  }
  const counted = () => ({
    reads: requests.filter(({ operation }) => operation === 'read').length,
    folderLists: requests.filter(({ operation }) => operation === 'listFolders').length,
    lists: requests.filter(({ operation, key }) => operation === 'list' && key === '.fanmill/runs/').length,
  })

  many('lists the latest by one file a run, and never lists the files of all runs', async world => {
    await manyRuns(world, 100)
    expect(await listRuns(world.store, world, 1)).toHaveLength(1)
    expect(counted()).toMatchObject({ folderLists: 1, lists: 0 })
    expect(counted().reads).toBeLessThan(101 + 10)
  })

  many('shows a run that is named without reading the others', async world => {
    await manyRuns(world, 100)
    expect(await readRun(world.store, world, '0000000000000007')).toMatchObject({ runId: '0000000000000007' })
    expect(counted()).toMatchObject({ folderLists: 1, lists: 0 })
    expect(counted().reads).toBeLessThan(10)
  })

  many('plans what to clean by two files a run, and lists no files unless some go', async world => {
    const { runId } = await manyRuns(world, 100)
    const options = { olderThanMs: 7 * day, now: world.now, isAlive: world.isAlive }
    expect((await planClean(world.store, options)).objects).toEqual([])
    expect(counted().lists).toBe(0)
    expect(counted().reads).toBeLessThan(2 * 101 + 10)
    expect(requests.filter(({ operation }) => operation === 'list').map(({ key }) => key)).toEqual([shippedRoot])
    world.time += 8 * day
    const { objects } = await planClean(world.store, options)
    expect(new Set(objects.map(({ key }) => key.split('/')[2])).size).toBe(100)
    expect(objects.some(({ key }) => key.includes(runId))).toBe(false)
    expect(counted().lists).toBeLessThan(5)
  })

  test('leaves out an attempt whose run.json is gone', async world => {
    const { runId } = await world.run(one)
    await world.run({ ...one, force: true })
    await world.store.remove(runKeys({ runId, attempt: 2 }).run)
    expect(await readRun(world.store, world, runId)).toMatchObject({ runId, attempt: 1 })
    expect(await listRuns(world.store, world)).toMatchObject([{ runId, attempt: 1 }])
    await world.store.remove(runKeys({ runId, attempt: 1 }).run)
    await expect(readRun(world.store, world, runId)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
  })
})

test('takes a run over that was given up, although the clock was set back since', async world => {
  const { actor, run } = await half(world, one)
  await endRun(world.store, { ...run, attempt: 1 }, { ...actor.options, status: 'failed' })
  world.time -= 3_600_000
  expect(await world.reserve(world.actor(), one)).toMatchObject({ status: 'resume', attempt: 1 })
})

describe('clean', () => {
  const options = (world: World) => ({ olderThanMs: 7 * day, now: world.now, isAlive: world.isAlive })

  test('removes old state and abandoned parts, but nothing of a dataset', async world => {
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

  test('keeps young runs, and runs with a live owner, so that they can be resumed', async world => {
    const { actor, run } = await half(world, one)
    world.time += 6 * day
    expect(await planClean(world.store, options(world))).toEqual({ objects: [], parts: [], damaged: [] })
    world.time += 6 * day
    await world.store.write(
      runKeys({ ...run, attempt: 1 }).lease,
      stateBytes({ owner: actor.owner, leaseUntil: world.time + 1000 }),
    )
    expect(await planClean(world.store, options(world))).toEqual({ objects: [], parts: [], damaged: [] })
    actor.die()
    world.time += 8 * day
    expect((await planClean(world.store, options(world))).parts).toHaveLength(1)
  })

  test('keeps a run whose owner is known to live, however old its lease is, until it is given up', async world => {
    const { actor, run } = await half(world, one)
    world.time += 30 * day
    const living = { ...options(world), olderThanMs: 0, isAlive: () => true }
    expect(await planClean(world.store, living)).toEqual({ objects: [], parts: [], damaged: [] })
    expect(await readRun(world.store, { now: world.now, isAlive: () => true })).toMatchObject({ status: 'running' })
    await endRun(world.store, { ...run, attempt: 1 }, { ...actor.options, status: 'failed' })
    expect((await planClean(world.store, living)).parts).toHaveLength(1)
  })

  it.each([0, 7 * day])('keeps a commit that began meanwhile and was interrupted (age %s)', olderThanMs => {
    let onRequest: (request: StoreRequest, phase: string) => Promise<void> = async () => {}
    return inWorld(
      () => memoryStore({ onRequest: (request, phase) => onRequest(request, phase) }),
      async world => {
        await world.run(one)
        const before = await world.keysOfManifest()
        let isKilled: boolean | undefined
        onRequest = async ({ operation, key }, phase) => {
          if (operation !== 'read' || key !== 'flights/_SUCCESS' || phase !== 'after' || isKilled !== undefined) return
          isKilled = false
          isKilled = await world.runKilled(two, 'complete-part-0:after#1')
        }
        const given = { ...options(world), olderThanMs, endedOlderThanMs: 0 }
        await clean(world.store, await planClean(world.store, given))
        expect(isKilled).toBe(true)
        expect(await world.reserve(world.actor(), two)).toMatchObject({ status: 'complete' })
        expect((await world.outputKeys()).sort()).toEqual(await world.keysOfManifest())
        expect(await world.keysOfManifest()).not.toEqual(before)
      },
    )
  })

  it('keeps the rows that a run exchanges which began meanwhile', () => {
    let begin = async (): Promise<void> => {}
    const onRequest = ({ operation }: StoreRequest, phase: string) =>
      operation === 'listParts' && phase === 'before' ? begin() : Promise.resolve()
    return inWorld(
      () => memoryStore({ onRequest }),
      async world => {
        await world.run(one)
        let exchanged = ''
        begin = async () => {
          const { runId, attempt } = (await world.reserve(world.actor(), two)) as ReservedRun
          exchanged = `${exchangeRoot}${runId}/${attempt}/0/0-0.parquet`
          await world.store.write(exchanged, new Uint8Array(1))
        }
        const plan = await planClean(world.store, { ...options(world), olderThanMs: 0 })
        expect(await world.store.stat(exchanged)).toBeDefined()
        expect(plan.objects.map(({ key }) => key)).not.toContain(exchanged)
      },
    )
  })

  test('keeps a run that was taken over after it was found to have ended', async world => {
    const { actor, run } = await half(world, two)
    actor.die()
    const plan = await planClean(world.store, { ...options(world), olderThanMs: 0 })
    expect(plan.parts).toHaveLength(1)
    const next = world.actor()
    const taken = (await world.reserve(next, two)) as ReservedRun
    expect(taken).toMatchObject({ status: 'resume', runId: run.runId })
    await clean(world.store, plan)
    expect(await world.pendingKeys()).toEqual(plan.parts.map(({ key }) => key))
    for (const { key } of plan.objects) expect(await world.store.stat(key)).toMatchObject({ key })
    await world.process(next, taken, two)
    expect(await world.commit(next, taken, two)).toMatchObject({ done: true })
  })

  test('removes shipped code that was started long ago, unless a run is live', async world => {
    const keys = ['a', 'b'].map(digit => shippedKeys(digit.repeat(64)))
    const ship = async (index: number) => {
      const use = { shippedAt: new Date(world.time).toISOString() }
      await world.store.write(keys[index]!.use, stateBytes(use))
      await world.store.write(keys[index]!.content, Buffer.from('code'))
    }
    await ship(0)
    world.time += 6 * day
    await ship(1)
    expect((await planClean(world.store, options(world))).objects).toEqual([])
    world.time += 2 * day
    const { actor, run } = await half(world, one)
    const lease = { owner: actor.owner, leaseUntil: world.time + 1000 }
    await world.store.write(runKeys({ ...run, attempt: 1 }).lease, stateBytes(lease))
    expect((await planClean(world.store, options(world))).objects).toEqual([])
    actor.die()
    const { objects } = await planClean(world.store, options(world))
    expect(objects.map(({ key }) => key)).toEqual([keys[0]!.content, keys[0]!.use])
    // A run that was interrupted is continued by the code that planned it.
    const recordKey = runKeys({ ...run, attempt: 1 }).run
    const record = JSON.parse(Buffer.from(await world.store.read(recordKey)).toString())
    await world.store.write(recordKey, stateBytes({ ...record, shipped: 'a'.repeat(64) }))
    expect((await planClean(world.store, options(world))).objects).toEqual([])
    world.time += 8 * day
    const removed = (await planClean(world.store, options(world))).objects.map(({ key }) => key)
    expect(removed).toEqual(expect.arrayContaining([recordKey, keys[0]!.content, keys[1]!.content]))
  })
})
