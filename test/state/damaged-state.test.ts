/** Cuts every state file in turn: other work continues, and a forced run completes the dataset. */
import { describe, expect } from 'vitest'
import { headKey } from '../../lib/commit/head.ts'
import { planClean } from '../../lib/runs/clean.ts'
import { listRuns, readRun } from '../../lib/runs/runs.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { stateRoot } from '../../lib/store/state-root.ts'
import { expectWhole, one, testIn, two } from '../commit/committing.ts'
import type { World } from '../runs/protocol.ts'

const day = 86_400_000

async function stateKeys({ store }: World): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(stateRoot)) keys.push(key)
  return keys
}

async function cutShort({ store }: World, key: string): Promise<void> {
  const bytes = await store.read(key)
  await store.write(key, bytes.slice(0, bytes.length / 2))
}

/** States of an output root after a run that was complete, killed before its commit, or killed in it. */
const roots = {
  'a complete run': (world: World) => world.run(two),
  'a run that was killed before its commit': (world: World) => world.runKilled(two, 'claim-head:before#1'),
  'a run that was killed in its commit': (world: World) => world.runKilled(two, 'complete-part-1:before#1'),
} as const

describe.each(Object.entries(roots))('a damaged state file after %s', (_, act) => {
  const test = testIn(() => memoryStore())

  test('stops neither runs nor clean, and a forced run takes the next attempt', async first => {
    await first.run(one)
    await act(first)
    const keys = await stateKeys(first)
    expect(keys.length).toBeGreaterThan(8)
    for (const key of keys) {
      const world = await copyOf(first)
      await cutShort(world, key)
      const runs = await listRuns(world.store, world)
      expect(runs.length, key).toBe((await listRuns(first.store, first)).length)
      expect((await readRun(world.store, world)).runId, key).toBeDefined()
      world.time += 8 * day
      const plan = await planClean(world.store, { olderThanMs: 7 * day, now: world.now, isAlive: world.isAlive })
      expect(
        plan.objects.map(object => object.key),
        key,
      ).not.toContain(headKey('flights'))
      const again = await world.run(two).catch((error: Error) => error)
      if (again instanceof Error) {
        expect(again, key).toMatchObject({ code: 'STATE_INVALID', message: expect.stringContaining('--force') })
        expect(again.message).toContain(key)
      }
      // Leases of what failed have lapsed then.
      world.time += day
      const forced = await world.run({ ...two, force: true }).catch((error: Error) => error)
      expect(forced, key).toMatchObject({ status: expect.stringMatching(/new|resume/) })
      await expectWhole(world)
    }
  })
})

describe('a damaged head', () => {
  const test = testIn(() => memoryStore())

  test('is rebuilt by a forced append, which keeps the rows of other runs', async world => {
    await world.run({ inputs: { 'a.zip': 'A' }, mode: 'append' })
    await world.run({ inputs: { 'b.zip': 'B' }, mode: 'append' })
    await cutShort(world, headKey('flights'))
    await expect(world.run({ inputs: { 'c.zip': 'C' }, mode: 'append' })).rejects.toMatchObject({
      code: 'STATE_INVALID',
    })
    await world.run({ inputs: { 'c.zip': 'C' }, mode: 'append', force: true })
    await expectWhole(world)
    expect((await world.manifest()).runs.flatMap(run => run.inputs.map(input => input.key))).toEqual([
      'a.zip',
      'b.zip',
      'c.zip',
    ])
  })

  test('is not touched when another version of fanmill wrote it', async world => {
    await world.run(one)
    const bytes = new TextEncoder().encode('{"fanmill":2,"outputPath":"flights"}')
    await world.store.write(headKey('flights'), bytes)
    await expect(world.run({ ...one, force: true })).rejects.toMatchObject({
      code: 'STATE_INVALID',
      message: expect.stringContaining('another version of fanmill; use that version'),
    })
    expect(await world.store.read(headKey('flights'))).toEqual(bytes)
  })

  test('keeps clean from removing any attempt of its output, and is reported', async world => {
    await world.run(one)
    await world.run({ ...one, force: true })
    await cutShort(world, headKey('flights'))
    world.time += 8 * day
    const plan = await planClean(world.store, { olderThanMs: 7 * day, now: world.now, isAlive: world.isAlive })
    expect(plan).toMatchObject({ objects: [], damaged: [{ key: headKey('flights') }] })
  })
})

describe('an attempt whose record is damaged', () => {
  const test = testIn(() => memoryStore())

  test('is listed as damaged with its file and the remedy, beside the others', async world => {
    const { runId } = await world.run(one)
    await world.run({ ...one, force: true })
    const key = `${stateRoot}runs/${runId}/1/run.json`
    await cutShort(world, key)
    expect(await listRuns(world.store, world)).toMatchObject([
      { attempt: 2, status: 'complete' },
      { attempt: 1, status: 'damaged', error: { code: 'STATE_INVALID', detail: { key } } },
    ])
  })
})

/** Copies the objects into another world. */
async function copyOf(world: World): Promise<World> {
  const { World } = await import('../runs/protocol.ts')
  const store = memoryStore()
  const from = world.store as ReturnType<typeof memoryStore>
  for (const [key, bytes] of from.objects) await store.write(key, bytes)
  for (const [id, upload] of from.uploads) store.uploads.set(id, upload)
  const copy = new World(store, world.folder, 'later')
  copy.time = world.time
  return copy
}
