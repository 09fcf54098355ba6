import { describe, expect } from 'vitest'
import { endRun, renewRun, renewWhenDue } from '../../lib/runs/run-lease.ts'
import { readJournal, runKeys, stateBytes } from '../../lib/state/state.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { inWorld, type Job, Killed } from '../runs/protocol.ts'
import { expectWhole, one, sleepAt, started, stopAt, stores, testIn, two } from './committing.ts'

describe.each(stores)('taking over on %s', (_, open) => {
  const test = testIn(open)

  test('undoes a commit whose parts expired before it was completed', async world => {
    await world.run(one)
    const before = await world.outputKeys()
    expect(await world.runKilled(two, 'complete-part-0:before#1')).toBe(true)
    for await (const part of world.store.listParts('')) await world.store.abortPart(part)
    expect((await world.reserve(world.actor(), one)).status).toBe('complete')
    expect(await world.outputKeys()).toEqual(before)
    await world.run(two)
    await expectWhole(world)
  })

  test('leaves an interrupted commit to a process that may change outputs', async world => {
    expect(await world.runKilled(one, 'complete-part-0:before#1')).toBe(true)
    const before = await world.outputKeys()
    const planning = world.reserve(world.actor(), { ...one, mayRoll: false })
    await expect(planning).rejects.toMatchObject({ name: 'TransientError', code: 'OUTPUT_UNSETTLED' })
    expect(await world.outputKeys()).toEqual(before)
    expect((await world.reserve(world.actor(), one)).status).toBe('complete')
    expect((await world.reserve(world.actor(), { ...one, mayRoll: false })).status).toBe('complete')
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

  test('gives an older run a new attempt when it is requested again', async world => {
    await world.run(one)
    await world.run(two)
    expect(await world.run(one)).toMatchObject({ status: 'new', attempt: 2 })
    await expectWhole(world)
  })

  test('returns busy while the owner of a run lives, and takes the run over when its lease ends', async world => {
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

  test('renews a lease for many processes when half of it is gone, and never one that was given up', async world => {
    const { actor, run } = await started(world, one)
    const options = { owner: actor.owner, now: world.now, leaseMs: 1000 }
    world.time += 600
    await renewWhenDue(world.store, run, options)
    world.time += 600
    expect((await world.reserve(world.actor(), one)).status).toBe('busy')
    await endRun(world.store, run, { owner: actor.owner, now: world.now, status: 'interrupted' })
    await renewWhenDue(world.store, run, options)
    expect(await world.run(one)).toMatchObject({ status: 'resume', attempt: 1 })
  })

  test('renews a lease that lapsed while its owner waited, until another owner has taken the run over', async world => {
    const { actor, run } = await started(world, one)
    const options = { owner: actor.owner, now: world.now, leaseMs: 1000 }
    world.time += 5000
    await renewWhenDue(world.store, run, options)
    expect(await world.reserve(world.actor(), one)).toMatchObject({ status: 'busy', owner: { id: actor.owner.id } })
    world.time += 5000
    const next = world.actor()
    expect((await world.reserve(next, one)).status).toBe('resume')
    world.time += 5000
    await renewWhenDue(world.store, run, options)
    expect((await world.reserve(world.actor(), one)).status).toBe('resume')
  })

  test('renews the lapsed lease of an owner that resumed an ended run, but not after that owner ended it', async world => {
    const first = await started(world, one)
    await endRun(world.store, first.run, { owner: first.actor.owner, now: world.now, status: 'failed' })
    const { actor, run } = await started(world, one)
    const options = { owner: actor.owner, now: world.now, leaseMs: 1000 }
    world.time += 5000
    await renewWhenDue(world.store, run, options)
    expect((await world.reserve(world.actor(), one)).status).toBe('busy')
    world.time += 5000
    await endRun(world.store, run, { owner: actor.owner, now: world.now, status: 'interrupted' })
    world.time += 5000
    await renewWhenDue(world.store, run, options)
    expect((await world.reserve(world.actor(), one)).status).toBe('resume')
  })

  test('gives a run up at its end, so that another process need not wait', async world => {
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

  test('does not let a committer that slept overwrite a newer _SUCCESS', async world => {
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

  test('completes an interrupted append before another run, and loses nothing', async world => {
    await world.run({ ...one, mode: 'append' })
    const killed = await world.runKilled({ ...two, mode: 'append' }, 'remove-success:after#1')
    expect(killed).toBe(true)
    expect(await world.outputKeys()).not.toContain('flights/_SUCCESS')
    await world.run({ inputs: { 'c.zip': 'C' }, mode: 'append' })
    await expectWhole(world)
    expect((await world.manifest()).runs.map(run => run.inputs[0]?.key)).toEqual(['a.zip', 'b.zip', 'c.zip'])
  })

  test('ignores a journal of a claim that was dropped', async world => {
    await world.run(one)
    const sleeper = await started(world, two)
    const { at, wake } = sleepAt('write-journal:before')
    const sleeping = world.commit(sleeper.actor, sleeper.run, two, { at })
    await at.asleep
    world.time += 1001
    await world.run({ ...one, force: true })
    wake()
    await expect(sleeping).rejects.toMatchObject({ code: 'OUTPUT_LOCKED' })
    expect((await world.outputKeys()).sort()).toEqual(await world.keysOfManifest())
    expect((await world.manifest()).runs[0]).toMatchObject({ attempt: 2, inputs: [{ key: 'a.zip' }] })
    await world.run(two)
    await expectWhole(world)
  })

  test('overwrites a journal of a claim that was dropped', async world => {
    const { actor, run } = await started(world, two)
    const spoilt = { ...(await journalOf(one)), ...run, claim: 0 }
    await world.store.write(runKeys(run).journal, stateBytes(spoilt))
    await world.commit(actor, run, two)
    await expectWhole(world)
  })
})

/** The journal of another commit. */
async function journalOf(job: Job) {
  return inWorld(
    () => memoryStore(),
    async world => {
      const { runId } = await world.run(job)
      const key = runKeys({ runId, attempt: 1 }).journal
      return readJournal(await world.store.read(key), key)
    },
  )
}
