import { describe, expect, it } from 'vitest'
import { logFolder, versionName } from '../../lib/delta/log-names.ts'
import { FanmillError } from '../../lib/errors/errors.ts'
import { diskStore } from '../../lib/store/disk/store.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { settleAll } from '../../lib/store/settle-all.ts'
import { stateRoot } from '../../lib/store/state-root.ts'
import { changeOf, fileOf, write } from '../delta/table.ts'
import { World } from '../runs/protocol.ts'
import { started } from './committing.ts'
import { filesOf, first, inTableWorld, second, snapshotIn, writeParquet } from './table-world.ts'

const overwrite = { ...first, mode: 'replace' as const }
const test = (title: string, act: (world: World) => Promise<void>) =>
  it(title, () => inTableWorld(() => memoryStore(), act))

/** A change that another program makes to the table of the world. */
const otherChange = (world: World, change: Parameters<typeof changeOf>[2]) =>
  write(
    world.store,
    changeOf('other', 1, { schema: [{ name: 'delay', type: 'INTEGER' }], ...change }),
    undefined,
    'flights/',
  )

describe('an output that is a Delta table', () => {
  test('is complete without _SUCCESS, which is only a flag', async world => {
    await world.run(overwrite)
    await world.store.remove('flights/_SUCCESS')
    expect((await world.run(overwrite)).status).toBe('complete')
  })

  test('keeps an append complete when another writer replaces the rows', async world => {
    await world.run(first)
    await otherChange(world, { mode: 'overwrite' })
    expect((await world.run(first)).status).toBe('complete')
    await world.run(second)
    expect(filesOf(await snapshotIn(world))).toHaveLength(3)
    expect((await world.manifest()).parts).toHaveLength(2)
  })

  test('runs again what replaces rows when another writer removed them', async world => {
    await world.run(overwrite)
    await otherChange(world, {})
    expect((await world.run(overwrite)).status).toBe('complete')
    await otherChange(world, { mode: 'overwrite', transaction: { appId: 'other', version: 2 } })
    expect(await world.run(overwrite)).toMatchObject({ status: 'new', attempt: 2 })
    expect(filesOf(await snapshotIn(world)).every(file => file.endsWith('-2.parquet'))).toBe(true)
  })

  test('is written anew when its folder was removed', async world => {
    await world.run(first)
    for (const key of await world.outputKeys()) await world.store.remove(key)
    expect(await world.run(first)).toMatchObject({ status: 'new', attempt: 2 })
    expect(filesOf(await snapshotIn(world))).toHaveLength(2)
  })

  test('loses no run when the state was removed and its numbers begin anew', async world => {
    await world.run(overwrite)
    await world.run({ ...overwrite, codeHash: 'other' })
    const state: string[] = []
    for await (const { key } of world.store.list(stateRoot)) state.push(key)
    for (const key of [...state, 'flights/_SUCCESS']) await world.store.remove(key)
    const run = await world.run({ ...overwrite, codeHash: 'third' })
    expect(filesOf(await snapshotIn(world))).toEqual([0, 1].map(batch => `part-${batch}-0-${run.runId}-1.parquet`))
    expect((await snapshotIn(world))!.version).toBe(2)
  })

  test('appends to a table of another program, with files of its own in the folder', async world => {
    await otherChange(world, { added: [fileOf('theirs.parquet')] })
    await world.store.write('flights/theirs.parquet', new Uint8Array(100))
    await world.store.write('flights/left-over.parquet', new Uint8Array(100))
    await world.run(first)
    expect(filesOf(await snapshotIn(world))).toHaveLength(3)
    await world.run({ ...first, inputs: { 'b.zip': 'B' } })
    expect(filesOf(await snapshotIn(world))).toHaveLength(5)
  })

  test('leaves the output free when another writer changed the columns during the commit', async world => {
    await world.run(first)
    const { actor, run } = await started(world, second)
    actor.onPoint = async point => {
      if (point === 'write-version:before')
        await otherChange(world, { mode: 'overwrite', schema: [{ name: 'delay', type: 'VARCHAR' }] })
    }
    await expect(world.commit(actor, run, second)).rejects.toMatchObject({ code: 'OUTPUT_SCHEMA_MISMATCH' })
    actor.die()
    await expect(world.run(second)).rejects.toMatchObject({ code: 'OUTPUT_SCHEMA_MISMATCH' })
    expect((await world.run({ ...overwrite, codeHash: 'anew' })).status).toBe('new')
  })

  test('refuses rows that do not fit before anything is processed', async world => {
    await otherChange(world, { schema: [{ name: 'delay', type: 'VARCHAR' }], partitionBy: ['delay'], added: [] })
    await expect(world.reserve(world.actor(), first)).rejects.toMatchObject({
      code: 'OUTPUT_SCHEMA_MISMATCH',
      message: expect.stringMatching(
        /expected files partitioned by delay, as in the table, got files without partitions/,
      ),
    })
  })

  test('writes a checkpoint at every tenth version, and no file of a run without rows', async world => {
    for (let run = 0; run <= 10; run++) await world.run({ ...first, inputs: { [`${run}.zip`]: 'A' } })
    expect((await snapshotIn(world))!.checkpointVersion).toBe(10)
    await world.run({ ...overwrite, batches: [[]] })
    const { files, removed, version } = (await snapshotIn(world))!
    expect([files.size, removed.size, version]).toEqual([0, 22, 11])
    expect(await world.store.stat(`flights/${logFolder}${versionName(0)}`)).toBeDefined()
  })

  it('has the rows of twenty runs that append at the same time', () =>
    inTableWorld(diskStore, async world => {
      const names = Array.from({ length: 20 }, (_, index) => `${index}`)
      await settleAll(names.map(name => appendWithPatience(world, name)))
      expect(filesOf(await snapshotIn(world))).toHaveLength(40)
      const { runs, totals } = await world.manifest()
      expect([runs.length, totals.rows]).toEqual([20, 400])
    }))
})

/** Runs as a process of its own, which waits while others commit. */
async function appendWithPatience(shared: World, name: string): Promise<void> {
  const world = new World(shared.store, shared.folder, `writer-${name}`)
  writeParquet(world)
  for (;;) {
    const actor = world.actor()
    try {
      await world.run({ ...first, inputs: { [name]: 'A' } }, actor)
      return
    } catch (error) {
      actor.die()
      if (!(error instanceof FanmillError) || error.code !== 'OUTPUT_LOCKED') throw error
      // Each try prepares a whole run: with a short pause most of the time goes to tries that find the output locked.
      await new Promise(resolve => setTimeout(resolve, 100 + 400 * Math.random()))
    }
  }
}
