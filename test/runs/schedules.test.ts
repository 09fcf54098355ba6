/** Random schedules of crashes, duplicates, slow clocks and store faults: afterwards a run without faults always leaves a correct dataset. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FanmillError, TransientError } from '../../lib/errors/errors.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { type Actor, inWorld, type Job, Killed, type World } from './protocol.ts'

const runCount = 200
/** Errors with which a run may end while other runs and faults interfere. */
const expected = ['STORE_FAILED', 'OUTPUT_LOCKED', 'SUPERSEDED', 'INPUT_ALREADY_APPENDED']

interface Step {
  readonly inputCount: number
  readonly force: boolean
  /** Effects after which the process dies. */
  readonly diesAfter: number | undefined
}

interface Round {
  /** Runs at the same time. */
  readonly steps: readonly Step[]
  readonly sleepMs: number
  /** One of so many requests fails; 0 for none. */
  readonly faultEvery: number
}

const step: fc.Arbitrary<Step> = fc.record({
  inputCount: fc.integer({ min: 1, max: 3 }),
  force: fc.boolean(),
  diesAfter: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
})
const round: fc.Arbitrary<Round> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
  sleepMs: fc.integer({ min: 0, max: 1500 }),
  faultEvery: fc.constantFrom(0, 0, 50),
})
const schedule = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 4 }),
  secondComplete: fc.constantFrom('ok' as const, 'missing' as const),
  random: fc.infiniteStream(fc.nat(1000)),
})

describe.each(['replace', 'append'] as const)('any schedule of runs that %s', mode => {
  it('never shows a mixture of two runs, and leaves a complete dataset', async () => {
    const property = fc.asyncProperty(schedule, async ({ rounds, secondComplete, random }) => {
      const next = () => random.next().value as number
      let faultEvery = 0
      const onRequest = async () => {
        await pause(next() % 4)
        if (faultEvery > 0 && next() % faultEvery === 0) throw new TransientError('STORE_FAILED', 'connection reset')
      }
      await inWorld(
        () => memoryStore({ secondComplete, onRequest }),
        async world => {
          for (const { steps, sleepMs, ...faults } of rounds) {
            faultEvery = faults.faultEvery
            await Promise.all(steps.map(each => runStep(world, jobOf(each.inputCount, mode, each.force), each)))
            faultEvery = 0
            world.time += sleepMs
            await expectNoMixture(world)
          }
          await expectWholeAtLast(world, jobOf(3, mode, false))
        },
      )
    })
    await fc.assert(property, { numRuns: runCount })
  })
})

async function runStep(world: World, job: Job, { diesAfter }: Step): Promise<void> {
  const actor: Actor = world.actor()
  let effects = 0
  actor.onPoint = () => {
    effects++
    if (effects === diesAfter) actor.die()
  }
  try {
    await world.run(job, actor)
  } catch (error) {
    if (error instanceof Killed) return
    if (!(error instanceof FanmillError) || !expected.includes(error.code)) throw error
    actor.die()
  }
}

async function expectNoMixture(world: World): Promise<void> {
  const keys = (await world.outputKeys()).sort()
  if (keys.includes('flights/_SUCCESS')) expect(keys).toEqual(await world.keysOfManifest())
}

async function expectWholeAtLast(world: World, job: Job): Promise<void> {
  world.time += 5000
  await world.run(job)
  expect((await world.outputKeys()).sort()).toEqual(await world.keysOfManifest())
  const { runs } = await world.manifest()
  expect(runs.flatMap(run => run.inputs.map(input => input.key)).sort()).toEqual(['a', 'b', 'c'])
  expect((await world.run(job)).status).toBe('complete')
}

function jobOf(inputCount: number, mode: 'replace' | 'append', force: boolean): Job {
  const inputs = Object.fromEntries(['a', 'b', 'c'].slice(0, inputCount).map(name => [name, name]))
  return { inputs, mode, force: force && mode === 'replace' }
}

async function pause(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
}
