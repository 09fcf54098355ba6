import { describe, expect } from 'vitest'
import type { Outcome } from '../../lib/model/outcome/outcome.ts'
import type { ReservedRun } from '../../lib/model/run/reserved-run.ts'
import { readOutcome, runKeys, stateBytes } from '../../lib/state/state.ts'
import type { Job, World } from '../runs/protocol.ts'
import { expectWhole, one, reserved, started, stores, testIn, two } from './committing.ts'

describe.each(stores)('commit on %s', (_, open) => {
  const test = testIn(open)

  test('makes parts visible, and _SUCCESS last', async world => {
    const { actor, run } = await started(world, one)
    expect(await world.outputKeys()).toEqual([])
    await world.commit(actor, run, one)
    await expectWhole(world)
    const order = actor.points.filter(point => /(part|success|head|journal)/.test(point))
    expect(order.indexOf('write-journal:after#1')).toBeLessThan(order.indexOf('remove-success:before#1'))
    expect(order.indexOf('remove-success:after#1')).toBeLessThan(order.indexOf('complete-part-0:before#1'))
    expect(order.slice(-4)).toEqual([
      'write-success:before#1',
      'write-success:after#1',
      'commit-head:before#1',
      'commit-head:after#1',
    ])
  })

  test('writes a manifest with the run, inputs and counts of each part', async world => {
    const run = (await world.run(two)) as ReservedRun
    const manifest = await world.manifest()
    expect(manifest).toMatchObject({
      fanmill: 1,
      generation: 1,
      task: 'flights',
      schema: [{ name: 'delay', type: 'INTEGER' }],
      totals: { rows: 20, rowsRead: 20, parts: 2, rowsRejected: 0, rowsFiltered: 0, members: 2 },
    })
    expect(manifest.runs).toEqual([
      {
        runId: run.runId,
        attempt: 1,
        task: 'flights',
        params: {},
        codeHash: 'code',
        inputs: [
          { key: 'a.zip', identity: 'A', sizeBytes: 1 },
          { key: 'b.zip', identity: 'B', sizeBytes: 1 },
        ],
        finishedAt: '2001-01-01T00:00:00.000Z',
        totals: manifest.totals,
      },
    ])
  })

  test('refuses more partitions than partitionsMax over all batches, and leaves the output as it was', async world => {
    const job = {
      ...two,
      batches: [
        ['NY', 'CA'],
        ['CA', 'TX'],
      ],
    }
    const { actor, run } = await started(world, job)
    await expect(world.commit(actor, run, job, { partitionsMax: 2 })).rejects.toMatchObject({
      code: 'TOO_MANY_PARTITIONS',
      detail: { partitionBy: ['state'], partitions: 3, partitionsMax: 2 },
    })
    expect(await world.outputKeys()).toEqual([])
    await world.commit(actor, run, job, { partitionsMax: 3 })
    expect((await world.manifest()).parts).toHaveLength(4)
  })

  test('skips a run that is complete, in any order of inputs', async world => {
    const first = await world.run(two)
    const again = await world.run({ inputs: { 'b.zip': 'B', 'a.zip': 'A' } })
    expect(again).toMatchObject({ status: 'complete', runId: first.runId })
  })

  test('runs again when an input, a parameter or the code changed', async world => {
    const { runId } = await world.run(one)
    const others: Job[] = [
      { inputs: { 'a.zip': 'A2' } },
      { ...one, params: { month: '2001-01' } },
      { ...one, codeHash: 'new' },
    ]
    for (const other of others) {
      expect((await world.run(other)).runId).not.toBe(runId)
      await expectWhole(world)
    }
    expect((await world.manifest()).generation).toBe(4)
  })

  test('replaces all parts of the previous run', async world => {
    await world.run(one)
    const before = await world.outputKeys()
    await world.run(two)
    const after = await world.outputKeys()
    expect(after.filter(key => before.includes(key))).toEqual(['flights/_SUCCESS'])
    await expectWhole(world)
  })

  test('makes a new attempt with new keys each time that it is forced', async world => {
    for (const attempt of [1, 2, 3]) {
      expect(await world.run({ ...one, force: true })).toMatchObject({ status: 'new', attempt })
      await expectWhole(world)
      expect((await world.manifest()).parts[0]?.key).toMatch(new RegExp(`-${attempt}\\.parquet$`))
    }
    expect(await world.run(one)).toMatchObject({ status: 'complete' })
  })

  test('makes a new attempt when _SUCCESS was deleted by hand, and removes the old parts', async world => {
    await world.run(one)
    await world.store.remove('flights/_SUCCESS')
    expect(await world.run(one)).toMatchObject({ status: 'new', attempt: 2 })
    await expectWhole(world)
  })

  test('makes a new attempt when the whole dataset was deleted by hand', async world => {
    await world.run(one)
    for (const key of await world.outputKeys()) await world.store.remove(key)
    expect(await world.run(one)).toMatchObject({ attempt: 2 })
    await expectWhole(world)
  })

  test('continues from _SUCCESS when the state was deleted by hand', async world => {
    const { runId } = await world.run(one)
    for await (const { key } of world.store.list('.fanmill/')) await world.store.remove(key)
    expect(await world.run(one)).toMatchObject({ status: 'complete', runId })
    expect(await world.run({ ...one, force: true })).toMatchObject({ attempt: 2 })
    await expectWhole(world)
  })

  test('refuses an output with Parquet files of other programs', async world => {
    await world.store.write('flights/sub/other.parquet', new Uint8Array(1))
    await expect(world.run(one)).rejects.toMatchObject({
      code: 'OUTPUT_NOT_OURS',
      detail: { keys: ['flights/sub/other.parquet'] },
    })
    expect(await world.outputKeys()).toEqual(['flights/sub/other.parquet'])
  })

  test('refuses files that were added while it ran, and keeps them and the old dataset', async world => {
    await world.run(one)
    const before = await world.outputKeys()
    const { actor, run } = await started(world, two)
    await world.store.write('flights/z.parquet', new Uint8Array(1))
    await expect(world.commit(actor, run, two)).rejects.toMatchObject({ code: 'OUTPUT_NOT_OURS' })
    expect(await world.outputKeys()).toEqual([...before, 'flights/z.parquet'])
    await world.store.remove('flights/z.parquet')
    expect(await world.commit(actor, run, two)).toMatchObject({ done: true })
    await expectWhole(world)
  })

  test('fails with the failures of batches without an outcome, and commits when they are processed', async world => {
    const actor = world.actor()
    const run = await reserved(world, one, actor)
    const keys = runKeys(run)
    const failure = { batch: 1, code: 'ZIP_CRC_MISMATCH', message: 'expected 1, got 2', member: 'x.csv' }
    for (const tryNumber of [1, 2]) {
      await world.store.write(keys.failure(1, tryNumber), stateBytes({ ...failure, try: tryNumber, at: 'now' }))
    }
    await world.process(actor, run, { ...one, batches: [['']] })
    await expect(world.commit(actor, run, one)).rejects.toMatchObject({
      code: 'BATCHES_FAILED',
      message: `1 of 2 batches have no outcome; batch 1: ZIP_CRC_MISMATCH ${failure.message} (x.csv); run again to process only these`,
      detail: { missing: [1], failures: [{ ...failure, try: 2 }] },
    })
    expect(await world.outputKeys()).toEqual([])
    await world.process(actor, run, one)
    await world.commit(actor, run, one)
    await expectWhole(world)
  })

  test('says that a batch whose process was killed reported no error', async world => {
    const actor = world.actor()
    const run = await reserved(world, one, actor)
    await expect(world.commit(actor, run, one)).rejects.toMatchObject({
      code: 'BATCHES_FAILED',
      message: expect.stringMatching(/^2 of 2 batches have no outcome; batch 0 reported no error: .*memory.*throttled/),
    })
  })

  const spoil = async (world: World, change: (outcome: Outcome) => Outcome) => {
    const { actor, run } = await started(world, one)
    const key = runKeys(run).outcome(1)
    await world.store.write(key, stateBytes(change(readOutcome(await world.store.read(key), key))))
    actor.die()
    return world.commit(world.actor(), run, one)
  }

  test('fails when records were lost between the text and the engine', async world => {
    const result = spoil(world, outcome => ({ ...outcome, recordsFound: 11 }))
    await expect(result).rejects.toMatchObject({ code: 'ACCOUNT_MISMATCH', detail: { batch: 1, got: '10' } })
    expect(await world.outputKeys()).toEqual([])
  })

  test('fails when the parts hold another number of rows than were written, or members are missing', async world => {
    await expect(spoil(world, outcome => ({ ...outcome, rowsWritten: 9 }))).rejects.toMatchObject({
      code: 'ACCOUNT_MISMATCH',
    })
    await expect(spoil(world, outcome => ({ ...outcome, members: 0 }))).rejects.toMatchObject({
      code: 'ACCOUNT_MISMATCH',
    })
    await expect(spoil(world, outcome => ({ ...outcome, slices: [0] }))).rejects.toMatchObject({
      code: 'ACCOUNT_MISMATCH',
    })
  })

  test('fails when more rows were rejected than allowed, and lists the first', async world => {
    const reject = {
      archive: 'a.zip',
      member: 'x.csv',
      line: 3,
      record: 2,
      column: 'delay',
      expected: 'INTEGER',
      received: 'x',
    }
    const change = (outcome: Outcome) => ({ ...outcome, recordsFound: 11, rowsRejected: 1, firstRejects: [reject] })
    await expect(spoil(world, change)).rejects.toMatchObject({
      code: 'REJECTS_OVER_LIMIT',
      message: expect.stringContaining('x.csv line 3, column delay: expected INTEGER'),
      detail: { rejected: 1, allowed: 0, records: 21, rejects: [reject] },
    })
    const run = await reserved(world, one, world.actor())
    const result = await world.commit(world.actor(), run, one, { rejectsMax: '5%' })
    expect(result).toMatchObject({ done: true, manifest: { totals: { rowsRejected: 1 } } })
  })

  test('processes batches again whose pending parts are gone', async world => {
    const { actor, run } = await started(world, one)
    for await (const part of world.store.listParts('flights/part-1-')) await world.store.abortPart(part)
    expect(await world.commit(actor, run, one)).toEqual({ done: false, missing: [1], partsLost: true })
    await world.process(actor, run, one)
    await world.commit(actor, run, one)
    await expectWhole(world)
  })
})
