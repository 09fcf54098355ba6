import { describe, expect } from 'vitest'
import type { Job } from '../runs/protocol.ts'
import { expectWhole, one, started, stores, testIn, two } from './committing.ts'

describe.each(stores)('an output mode on %s', (_, open) => {
  const test = testIn(open)

  test('refuses another run when the mode is fail', async world => {
    await world.run({ ...one, mode: 'fail' })
    expect(await world.run({ ...one, mode: 'fail' })).toMatchObject({ status: 'complete' })
    await expect(world.run({ ...two, mode: 'fail' })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    await expectWhole(world)
  })

  test('appends only new inputs, and keeps the rows of the others', async world => {
    const append = (job: Job): Job => ({ ...job, mode: 'append' })
    await world.run(append(one))
    const before = await world.outputKeys()
    expect(await world.run(append(two))).toMatchObject({ status: 'new', inputs: [{ key: 'b.zip' }] })
    expect(await world.outputKeys()).toEqual(expect.arrayContaining(before))
    await expectWhole(world)
    const { runs, totals } = await world.manifest()
    expect(runs.map(run => run.inputs.map(input => input.key))).toEqual([['a.zip'], ['b.zip']])
    expect(totals).toMatchObject({ rows: 40, rowsRead: 40 })
    expect(await world.run(append({ ...two, codeHash: 'new code' }))).toMatchObject({ status: 'complete' })
  })

  test('replaces all rows by those of a run that was appended beside other runs', async world => {
    const b: Job = { inputs: { 'b.zip': 'B' } }
    await world.run({ ...one, mode: 'append' })
    await world.run({ ...b, mode: 'append' })
    expect(await world.run({ ...b, mode: 'replace' })).toMatchObject({ status: 'new', attempt: 2 })
    await expectWhole(world)
    const { runs, totals } = await world.manifest()
    expect(runs.map(run => run.inputs.map(input => input.key))).toEqual([['b.zip']])
    expect(totals).toMatchObject({ rows: 20 })
    expect(await world.run({ ...b, mode: 'replace' })).toMatchObject({ status: 'complete' })
  })

  test('refuses to append a changed input, unless --force replaces the old version', async world => {
    const append = (inputs: Job['inputs'], force = false): Job => ({ inputs, mode: 'append', force })
    await world.run(append({ 'a.zip': 'A' }))
    await world.run(append({ 'b.zip': 'B' }))
    await expect(world.run(append({ 'a.zip': 'A2' }))).rejects.toMatchObject({
      code: 'INPUT_ALREADY_APPENDED',
      detail: { key: 'a.zip' },
    })
    await world.run(append({ 'a.zip': 'A2' }, true))
    await expectWhole(world)
    expect((await world.manifest()).runs.map(run => run.inputs[0]?.identity)).toEqual(['B', 'A2'])
  })

  test('refuses to append inputs again that were read together with an input that is gone', async world => {
    await world.run({ ...two, mode: 'append' })
    await expect(world.run({ ...one, mode: 'append', force: true })).rejects.toMatchObject({
      code: 'INPUT_ALREADY_APPENDED',
      detail: { key: 'b.zip' },
    })
  })

  test('appends in whatever order the runs end, and never an input twice', async world => {
    const job: Job = { inputs: { 'b.zip': 'B' }, mode: 'append' }
    const slow = await started(world, { ...one, mode: 'append' })
    const double = await started(world, { ...two, mode: 'append' })
    await world.run(job)
    await world.commit(slow.actor, slow.run, one)
    await expect(world.commit(double.actor, double.run, two)).rejects.toMatchObject({ code: 'SUPERSEDED' })
    expect((await world.manifest()).runs.map(run => run.inputs[0]?.key)).toEqual(['b.zip', 'a.zip'])
  })

  test('appends again everything there is when _SUCCESS was deleted by hand, once', async world => {
    await world.run({ ...one, mode: 'append' })
    await world.store.remove('flights/_SUCCESS')
    await world.run({ ...two, mode: 'append' })
    await expectWhole(world)
    expect((await world.manifest()).totals.rows).toBe(20)
  })

  test('replaces partitions again in which other runs have appended rows since', async world => {
    const replacing: Job = { inputs: { 'a.zip': 'A' }, mode: 'replacePartitions', batches: [['CA', 'NY']] }
    const appending = (input: string, partition: string): Job => ({
      inputs: { [input]: input },
      mode: 'append',
      batches: [[partition]],
    })
    await world.run(replacing)
    await world.run(appending('b.zip', 'TX'))
    expect((await world.run(replacing)).status).toBe('complete')
    await world.run(appending('c.zip', 'CA'))
    expect(await world.run(replacing)).toMatchObject({ status: 'new', attempt: 2 })
    await expectWhole(world)
    expect((await world.manifest()).parts.map(part => part.partition?.state).sort()).toEqual(['CA', 'NY', 'TX'])
    expect((await world.run(replacing)).status).toBe('complete')
  })

  test('replaces only the partitions that the run wrote', async world => {
    const job = (input: string, batches: Job['batches']): Job => ({
      inputs: { [input]: input },
      mode: 'replacePartitions',
      ...(batches ? { batches } : {}),
    })
    const first = await world.run(job('a.zip', [['CA', 'NY'], ['CA']]))
    const second = await world.run(job('b.zip', [['CA', 'TX']]))
    await expectWhole(world)
    const { parts, runs } = await world.manifest()
    expect(parts.map(part => [part.partition?.state, part.runId])).toEqual([
      ['NY', first.runId],
      ['CA', second.runId],
      ['TX', second.runId],
    ])
    expect(runs.map(run => run.isReplaced ?? false)).toEqual([true, false])
    expect((await world.run(job('b.zip', [['CA', 'TX']]))).status).toBe('complete')
    expect(await world.run(job('a.zip', [['CA', 'NY'], ['CA']]))).toMatchObject({ status: 'new', attempt: 2 })
    await expectWhole(world)
    expect((await world.manifest()).parts.map(part => part.partition?.state).sort()).toEqual(['CA', 'CA', 'NY', 'TX'])
  })
})
