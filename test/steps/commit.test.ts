import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../lib/core/outcome.ts'
import { readHeadFile, readOutcome, runKeys, stateBytes } from '../../lib/core/state.ts'
import type { Store } from '../../lib/core/store.ts'
import { diskStore } from '../../lib/io/disk-store.ts'
import { memoryStore } from '../../lib/io/memory-store.ts'
import { headKey } from '../../lib/steps/head.ts'
import type { ReservedRun } from '../../lib/steps/reserve.ts'
import { endRun, renewRun } from '../../lib/steps/run-lease.ts'
import { inWorld, type Job, Killed, type World } from './protocol.ts'

const stores: Record<string, (folder: string) => Store> = {
  disk: diskStore,
  'memory, second complete ok': () => memoryStore({ secondComplete: 'ok' }),
  'memory, second complete missing': () => memoryStore({ secondComplete: 'missing' }),
}
const one: Job = { inputs: { 'a.zip': 'A' } }
const two: Job = { inputs: { 'a.zip': 'A', 'b.zip': 'B' } }

describe.each(Object.entries(stores))('commit on %s', (_, open) => {
  const test = (title: string, act: (world: World) => Promise<void>) => it(title, () => inWorld(open, act))

  /** Everything a reader may rely on: exactly the manifest's parts, with their sizes and etags, and nothing pending. */
  const expectWhole = async (world: World) => {
    expect((await world.outputKeys()).sort()).toEqual(await world.keysOfManifest())
    expect(await world.pendingKeys()).toEqual([])
    const { parts, totals, generation } = await world.manifest()
    for (const part of parts) {
      const found = await world.store.stat(`flights/${part.key}`)
      expect(found).toMatchObject({ sizeBytes: part.bytes, etag: part.etag })
    }
    expect(totals).toMatchObject({ parts: parts.length, rows: parts.length * 10 })
    const head = readHeadFile(await world.store.read(headKey('flights')), 'head')
    expect(head.committing).toBeUndefined()
    expect(head.committed?.generation).toBe(generation)
  }

  const started = async (world: World, job: Job) => {
    const actor = world.actor()
    const run = await reserved(world, job, actor)
    await world.process(actor, run, job)
    return { actor, run }
  }

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

  test('writes a manifest that says what came of what', async world => {
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

  test('skips the same run again, in any order of inputs', async world => {
    const first = await world.run(two)
    const again = await world.run({ inputs: { 'b.zip': 'B', 'a.zip': 'A' } })
    expect(again).toMatchObject({ status: 'complete', runId: first.runId })
  })

  test('runs again when an input, a parameter or the code is another', async world => {
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

  test('replaces all parts of the run before', async world => {
    await world.run(one)
    const before = await world.outputKeys()
    await world.run(two)
    const after = await world.outputKeys()
    expect(after.filter(key => before.includes(key))).toEqual(['flights/_SUCCESS'])
    await expectWhole(world)
  })

  test('makes a new attempt with new keys when forced, again and again', async world => {
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

  test('goes on from _SUCCESS when the state was deleted by hand', async world => {
    const { runId } = await world.run(one)
    for await (const { key } of world.store.list('.fanmill/')) await world.store.remove(key)
    expect(await world.run(one)).toMatchObject({ status: 'complete', runId })
    expect(await world.run({ ...one, force: true })).toMatchObject({ attempt: 2 })
    await expectWhole(world)
  })

  test('refuses to mix with Parquet files that are not ours', async world => {
    await world.store.write('flights/sub/other.parquet', new Uint8Array(1))
    await expect(world.run(one)).rejects.toMatchObject({
      code: 'OUTPUT_NOT_OURS',
      detail: { keys: ['flights/sub/other.parquet'] },
    })
    expect(await world.outputKeys()).toEqual(['flights/sub/other.parquet'])
  })

  test('refuses files that came while it ran, and leaves them and the old dataset', async world => {
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

  test('refuses another run where the mode is fail', async world => {
    await world.run({ ...one, mode: 'fail' })
    expect(await world.run({ ...one, mode: 'fail' })).toMatchObject({ status: 'complete' })
    await expect(world.run({ ...two, mode: 'fail' })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    await expectWhole(world)
  })

  test('fails with the failures of the batches that have no outcome, and commits when they are done', async world => {
    const actor = world.actor()
    const run = await reserved(world, one, actor)
    const keys = runKeys(run.runId, run.attempt)
    const failure = { batch: 1, code: 'ZIP_CRC_MISMATCH', message: 'expected 1, got 2', member: 'x.csv' }
    for (const tryNumber of [1, 2]) {
      await world.store.write(keys.failure(1, tryNumber), stateBytes({ ...failure, try: tryNumber, at: 'now' }))
    }
    await world.process(actor, run, { ...one, batches: [['']] })
    await expect(world.commit(actor, run, one)).rejects.toMatchObject({
      code: 'BATCHES_FAILED',
      message: expect.stringContaining('1 of 2 batches have no outcome; batch 1: ZIP_CRC_MISMATCH'),
      detail: { missing: [1], failures: [{ ...failure, try: 2 }] },
    })
    expect(await world.outputKeys()).toEqual([])
    await world.process(actor, run, one)
    await world.commit(actor, run, one)
    await expectWhole(world)
  })

  const spoil = async (world: World, change: (outcome: Outcome) => Outcome) => {
    const { actor, run } = await started(world, one)
    const key = runKeys(run.runId, run.attempt).outcome(1)
    await world.store.write(key, stateBytes(change(readOutcome(await world.store.read(key), key))))
    actor.die()
    return world.commit(world.actor(), run, one)
  }

  test('fails when records were lost between the text and the engine', async world => {
    const result = spoil(world, outcome => ({ ...outcome, recordsFound: 11 }))
    await expect(result).rejects.toMatchObject({ code: 'ACCOUNT_MISMATCH', detail: { batch: 1, got: '10' } })
    expect(await world.outputKeys()).toEqual([])
  })

  test('fails when the parts hold other rows than were written, or members are missing', async world => {
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

  test('fails when more rows were rejected than allowed, and shows them', async world => {
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
      message: expect.stringContaining('x.csv line 3, column delay: expected INTEGER, got "x"'),
      detail: { rejected: 1, allowed: 0, records: 21, rejects: [reject] },
    })
    const run = await reserved(world, one, world.actor())
    const result = await world.commit(world.actor(), run, one, { rejectsMax: '5%' })
    expect(result).toMatchObject({ done: true, manifest: { totals: { rowsRejected: 1 } } })
  })

  test('plans batches again whose pending parts are gone', async world => {
    const { actor, run } = await started(world, one)
    for await (const part of world.store.listParts('flights/part-1-')) await world.store.abortPart(part)
    expect(await world.commit(actor, run, one)).toEqual({ done: false, missing: [1] })
    await world.process(actor, run, one)
    await world.commit(actor, run, one)
    await expectWhole(world)
  })

  test('takes a commit back whose parts expired before it could be rolled', async world => {
    await world.run(one)
    const before = await world.outputKeys()
    expect(await world.runKilled(two, 'complete-part-0:before#1')).toBe(true)
    for await (const part of world.store.listParts('')) await world.store.abortPart(part)
    expect((await world.reserve(world.actor(), one)).status).toBe('complete')
    expect(await world.outputKeys()).toEqual(before)
    await world.run(two)
    await expectWhole(world)
  })

  test('refuses a run that was planned before the one that is committed', async world => {
    const old = await started(world, one)
    await world.run(two)
    const { runId: winner } = (await world.manifest()).runs[0]!
    await expect(world.commit(old.actor, old.run, one)).rejects.toMatchObject({
      code: 'SUPERSEDED',
      detail: { winner },
    })
    await expect(world.commit(old.actor, old.run, one)).rejects.toMatchObject({ code: 'SUPERSEDED' })
    expect((await world.manifest()).runs.map(run => run.inputs.length)).toEqual([2])
  })

  test('gives an older run that is wanted again a new attempt', async world => {
    await world.run(one)
    await world.run(two)
    expect(await world.run(one)).toMatchObject({ status: 'new', attempt: 2 })
    await expectWhole(world)
  })

  test('says that a run is busy while its owner lives, and takes it over when its lease ends', async world => {
    const { actor, run } = await started(world, one)
    expect(await world.reserve(world.actor(), one)).toMatchObject({ status: 'busy', owner: { id: actor.owner.id } })
    world.time += 900
    await renewRun(world.store, run, { owner: actor.owner, leaseUntil: world.time + 1000 })
    world.time += 900
    expect((await world.reserve(world.actor(), one)).status).toBe('busy')
    world.time += 200
    expect(await world.run(one)).toMatchObject({ status: 'resume', attempt: 1 })
    expect(await renewRun(world.store, run, { owner: actor.owner, leaseUntil: 0 })).toBe(false)
    await expectWhole(world)
  })

  test('gives a run up at its end, so that another need not wait', async world => {
    const { actor, run } = await started(world, one)
    await endRun(world.store, run, { owner: actor.owner, now: world.now, status: 'interrupted' })
    expect(await world.run(one)).toMatchObject({ status: 'resume' })
  })

  test('refuses a second commit while the first lives, and takes it over when its lease ends', async world => {
    const first = await started(world, one)
    const second = await started(world, two)
    await expect(world.commit(first.actor, first.run, one, { at: stopAt('write-success:before') })).rejects.toThrow(
      Killed,
    )
    await expect(world.commit(second.actor, second.run, two)).rejects.toMatchObject({
      name: 'TransientError',
      code: 'OUTPUT_LOCKED',
      detail: { runId: first.run.runId },
    })
    await expect(world.reserve(world.actor(), two)).rejects.toMatchObject({ code: 'OUTPUT_LOCKED' })
    expect(await world.reserve(world.actor(), one)).toMatchObject({ status: 'busy' })
    world.time += 1001
    await world.commit(second.actor, second.run, two)
    await expectWhole(world)
    expect((await world.manifest()).runs[0]?.runId).toBe(second.run.runId)
  })

  test('stops a committer that slept past its lease at its next change', async world => {
    const sleeper = await started(world, one)
    const { at, wake } = sleepAt('complete-part-1:before')
    const sleeping = world.commit(sleeper.actor, sleeper.run, one, { at })
    await at.asleep
    world.time += 1001
    await world.run(two)
    const after = await world.outputKeys()
    wake()
    await expect(sleeping).rejects.toMatchObject({ code: 'OUTPUT_LOCKED' })
    expect(await world.outputKeys()).toEqual(after)
    await expectWhole(world)
  })

  test('does not let a sleeper write an old _SUCCESS over a newer one', async world => {
    const sleeper = await started(world, one)
    const { at, wake } = sleepAt('write-success:before')
    const sleeping = world.commit(sleeper.actor, sleeper.run, one, { at })
    await at.asleep
    world.time += 1001
    await world.run(two)
    wake()
    await expect(sleeping).rejects.toMatchObject({ code: 'OUTPUT_LOCKED' })
    await expectWhole(world)
    expect((await world.manifest()).runs[0]?.inputs).toHaveLength(2)
  })

  test('appends only inputs that are new, and keeps the rest', async world => {
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

  test('refuses to append a changed version, unless forced to take its place', async world => {
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

  test('refuses to append again what was read together with an input that is gone', async world => {
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

  test('rolls a dead append to its end before another run, and forgets nothing', async world => {
    await world.run({ ...one, mode: 'append' })
    const killed = await world.runKilled({ ...two, mode: 'append' }, 'remove-success:after#1')
    expect(killed).toBe(true)
    expect(await world.outputKeys()).not.toContain('flights/_SUCCESS')
    await world.run({ inputs: { 'c.zip': 'C' }, mode: 'append' })
    await expectWhole(world)
    expect((await world.manifest()).runs.map(run => run.inputs[0]?.key)).toEqual(['a.zip', 'b.zip', 'c.zip'])
  })

  test('passes over a journal of a claim that was dropped', async world => {
    const run = (await world.runKilled(two, 'write-journal:before#1')) && (await reserved(world, two, world.actor()))
    if (!run) throw new Error('it was not killed')
    const stale = stateBytes({ cut: 'short' })
    await world.store.write(runKeys(run.runId, run.attempt).journal, stale)
    world.time += 1001
    await expect(world.run(two)).rejects.toMatchObject({ code: 'STATE_INVALID' })
  })
})

describe.each(Object.entries(stores))('a run killed at each point, on %s', (name, open) => {
  const jobs: [string, Job | undefined, Job][] = [
    ['the first run', undefined, two],
    ['a replacing run', one, two],
    ['an append', { ...one, mode: 'append' }, { ...two, mode: 'append' }],
  ]
  it.each(jobs)('leaves a dataset that is whole after running again: %s', async (_, before, job) => {
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

async function reserved(world: World, job: Job, actor: ReturnType<World['actor']>): Promise<ReservedRun> {
  const run = await world.reserve(actor, job)
  if (run.status === 'complete' || run.status === 'busy') throw new Error(`expected a reserved run, got ${run.status}`)
  return run
}

/** Throws at a point, as a process that dies there. */
function stopAt(point: string) {
  return (name: string) => {
    if (name === point) throw new Killed(point)
  }
}

/** Stops at a point until woken. */
function sleepAt(point: string) {
  let wake = () => {}
  let fallAsleep = () => {}
  const woken = new Promise<void>(resolve => {
    wake = resolve
  })
  const asleep = new Promise<void>(resolve => {
    fallAsleep = resolve
  })
  const at = async (name: string) => {
    if (name !== point) return
    fallAsleep()
    await woken
  }
  return { at: Object.assign(at, { asleep }), wake }
}
