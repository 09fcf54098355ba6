import { describe, expect, it } from 'vitest'
import { writeCheckpoint } from '../../lib/delta/checkpoint.ts'
import { checkpointNames, lastCheckpointName, logFolder, versionName } from '../../lib/delta/log-names.ts'
import { actionsOf, readTable } from '../../lib/delta/read-table.ts'
import { type MemoryStore, memoryStore } from '../../lib/store/memory-store.ts'
import { engineServices } from '../../lib/threads/engine-services.ts'
import { changeOf, fileOf, tableIn, write } from './table.ts'

const inLog = (name: string): string => `sales/${logFolder}${name}`

/** Writes versions 0 to 12, with a checkpoint at 10; version 5 replaces what was there. */
async function tableOfThirteen(): Promise<MemoryStore> {
  const store = memoryStore()
  for (let version = 0; version <= 12; version++) {
    const mode = version === 5 ? 'overwrite' : 'append'
    const added = [fileOf(`state=a%20b/${version}.parquet`, { state: 'a b' })]
    const change = changeOf('out', version + 1, { mode, partitionBy: ['state'], added })
    await writeCheckpoint(tableIn(store), await write(store, change), change.now)
  }
  return store
}

const without = (store: MemoryStore, test: (key: string) => boolean): MemoryStore => {
  for (const key of store.objects.keys()) if (test(key)) store.objects.delete(key)
  return store
}
const isVersionUpTo = (last: number) => (key: string) =>
  Array.from({ length: last + 1 }, (_, version) => inLog(versionName(version))).includes(key)

describe('reading the log of a Delta table', () => {
  it('begins at the checkpoint, and finds the same as from the first version', async () => {
    const store = await tableOfThirteen()
    const { checkpointVersion, ...found } = (await readTable(tableIn(store)))!
    expect(checkpointVersion).toBe(10)
    expect([...found.files.keys()]).toHaveLength(8)
    expect(found.transactions.get('out')!.version).toBe(13)
    expect(found.removed.size).toBe(5)
    const { files } = (await readTable(tableIn(without(store, key => /checkpoint/.test(key)))))!
    expect(
      [...found.files.values()].map(({ path, size, stats, partitionValues }) => [path, size, stats, partitionValues]),
    ).toEqual([...files.values()].map(({ path, size, stats, partitionValues }) => [path, size, stats, partitionValues]))
  })

  it('requests the checkpoint and the versions after it, and lists nothing', async () => {
    const store = await tableOfThirteen()
    const before = store.counts.requests
    await readTable(tableIn(without(store, isVersionUpTo(10))))
    // _last_checkpoint, the checkpoint, 11, 12 and 13, and four at once up to 17.
    expect(store.counts.requests - before).toBeLessThanOrEqual(9)
  })

  it('finds the checkpoint in a listing where _last_checkpoint is missing, damaged, or names one that is gone', async () => {
    for (const content of [undefined, '{', '{"version":11}']) {
      const store = without(await tableOfThirteen(), isVersionUpTo(9))
      store.objects.delete(inLog(lastCheckpointName))
      if (content !== undefined) store.objects.set(inLog(lastCheckpointName), Buffer.from(content))
      expect((await readTable(tableIn(store)))!.files.size).toBe(8)
    }
  })

  it('reads a checkpoint of several files, and passes over one that is not complete', async () => {
    const store = without(await tableOfThirteen(), key => /checkpoint/.test(key))
    const snapshot = (await readTable(tableIn(store), 10))!
    const lines = [...actionsOf(snapshot)].map(action => JSON.stringify(action))
    const names = checkpointNames(10, 3)
    for (const [index, name] of names.entries())
      store.objects.set(inLog(name), await engineServices.checkpoints.write(lines.filter((_, at) => at % 3 === index)))
    store.objects.set(inLog(checkpointNames(12, 2)[0]!), Buffer.from('half of it'))
    without(store, isVersionUpTo(10))
    const found = (await readTable(tableIn(store)))!
    expect(found.checkpointVersion).toBe(10)
    expect(found.files.size).toBe(8)
  })

  it('reads an older version, and names the versions there are where it is too new', async () => {
    const store = await tableOfThirteen()
    expect([...(await readTable(tableIn(store), 4))!.files.keys()]).toHaveLength(5)
    await expect(readTable(tableIn(store), 40)).rejects.toMatchObject({
      code: 'DATASET_MISSING',
      message: expect.stringMatching(/expected version 40 of the Delta table, got versions up to 12/),
    })
    await expect(readTable(tableIn(without(store, isVersionUpTo(9))), 4)).rejects.toMatchObject({
      code: 'DATASET_MISSING',
    })
  })

  it('returns nothing where there is no table', async () => {
    expect(await readTable(tableIn(memoryStore()))).toBeUndefined()
  })

  it('fails with DELTA_INVALID for a log with a gap, and for a damaged version', async () => {
    const store = await tableOfThirteen()
    store.objects.delete(inLog(versionName(11)))
    await expect(readTable(tableIn(store))).rejects.toMatchObject({
      code: 'DELTA_INVALID',
      message: expect.stringMatching(/expected version 11/),
    })
    store.objects.set(inLog(versionName(11)), Buffer.from('{"add":{"path":1}}\n'))
    await expect(readTable(tableIn(store))).rejects.toMatchObject({
      code: 'DELTA_INVALID',
      message: expect.stringMatching(/00011.json, line 1: add.path: expected string, got 1/),
    })
  })

  it('fails with DELTA_UNSUPPORTED for v2 checkpoints', async () => {
    const store = without(await tableOfThirteen(), key => isVersionUpTo(9)(key) || /checkpoint/.test(key))
    store.objects.set(
      inLog(`${versionName(10).slice(0, 20)}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet`),
      Buffer.from(''),
    )
    await expect(readTable(tableIn(store))).rejects.toMatchObject({
      code: 'DELTA_UNSUPPORTED',
      message: expect.stringMatching(/v2 checkpoints/),
    })
  })
})
