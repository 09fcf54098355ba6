/** Simulates many executions at one output and few slots of Lambda in virtual time, with real turns and leases and the waits of the state machine. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { executionOwner, runLeaseMs } from '../../lib/lambda/session.ts'
import { nextWait, noWaits, type Waits } from '../../lib/model/waits.ts'
import { keepLease, renewWhenDue } from '../../lib/runs/run-lease.ts'
import { bindTurn, enterTurn, leaveTurn } from '../../lib/runs/turn.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import type { Store } from '../../lib/store/store.ts'

interface Load {
  /** Number of executions, each with other parameters. */
  readonly waiters: number
  /** Functions at the same time. */
  readonly slots: number
  /** Batches of each execution. */
  readonly batches: number
  readonly batchSeconds: number
  readonly seed: number
}

interface Figures {
  readonly seconds: number
  /** Paid seconds of Plan's function. */
  readonly planSeconds: number
  readonly ended: number
  readonly waitsMax: number
}

const stepSeconds = 2
const settleSeconds = 5

class Simulation {
  readonly #load: Load
  readonly #store: Store = memoryStore()
  readonly #timers: { readonly at: number; readonly go: () => void }[] = []
  #now = 1e12
  #used = 0
  #seed: number
  #planMs = 0
  #ended = 0
  #waitsMax = 0

  constructor(load: Load) {
    this.#load = load
    this.#seed = load.seed
  }

  async run(): Promise<Figures> {
    const began = this.#now
    const { waiters } = this.#load
    for (let index = 0; index < waiters; index++)
      void this.#sleep(index * 200).then(() => this.#execute(`e${index}`, `day ${index}`))
    while (this.#ended < waiters) {
      for (let turns = 0; turns < 3; turns++) await new Promise(resolve => setImmediate(resolve))
      this.#timers.sort((a, b) => a.at - b.at)
      const next = this.#timers.shift()
      if (!next) break
      this.#now = next.at
      next.go()
    }
    const seconds = (this.#now - began) / 1000
    return { seconds, planSeconds: this.#planMs / 1000, ended: this.#ended, waitsMax: this.#waitsMax }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(go => this.#timers.push({ at: this.#now + ms, go }))
  }

  #random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647
    return this.#seed / 2_147_483_647
  }

  /** Retries a throttled invocation as the state machine does. */
  async #invoke<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 0; this.#used >= this.#load.slots; tries++)
      await this.#sleep(this.#random() * Math.min(300, 2 * 2 ** tries) * 1000)
    this.#used++
    try {
      return await act()
    } finally {
      this.#used--
    }
  }

  async #execute(id: string, wants: string): Promise<void> {
    const { batches, batchSeconds } = this.#load
    const run = { runId: `run-${id}`, attempt: 1 }
    const owner = executionOwner(id)
    await this.#waitForTurn(id, wants)
    await this.#invoke(async () => {
      await this.#sleep(stepSeconds * 1000)
      await keepLease(this.#store, run, { owner, leaseUntil: this.#now + runLeaseMs })
      await bindTurn(this.#store, { outputPath: 'events', id }, run)
    })
    const processed = Array.from({ length: batches }, () =>
      this.#invoke(async () => {
        await renewWhenDue(this.#store, run, { owner, now: () => this.#now, leaseMs: runLeaseMs })
        await this.#sleep(batchSeconds * 1000)
      }),
    )
    await Promise.all(processed)
    await this.#invoke(async () => {
      await this.#sleep(stepSeconds * 1000)
      await leaveTurn(this.#store, { outputPath: 'events', id })
    })
    this.#ended++
  }

  /** Repeats Plan and the Wait state. */
  async #waitForTurn(id: string, wants: string): Promise<void> {
    let waits: Waits = noWaits(1)
    for (;;) {
      const turn = await this.#invoke(async () => {
        const began = this.#now
        const options = { now: this.#now, leaseMs: runLeaseMs / 2, settleMs: settleSeconds * 1000 }
        await this.#sleep(300)
        const entered = await enterTurn(this.#store, {
          ...{ outputPath: 'events', id, wants },
          ...options,
          now: this.#now,
        })
        this.#planMs += this.#now - began
        return entered
      })
      if (turn.status === 'go') return
      if (turn.status !== 'wait') throw new Error('expected a turn for each, because each wants something else')
      const wait = nextWait(waits, turn.waitMs)
      if (wait === undefined) {
        // Its successor begins as a new execution.
        await leaveTurn(this.#store, { outputPath: 'events', id })
        waits = noWaits(1)
        continue
      }
      waits = wait.waits
      this.#waitsMax = Math.max(this.#waitsMax, waits.count)
      await this.#sleep(wait.waitSeconds * 1000)
    }
  }
}

/** Measures executions that never meet, one after another. */
async function apartSeconds(load: Load): Promise<number> {
  const alone = await Promise.all(
    [1, 2, 3].map(more => new Simulation({ ...load, waiters: 1, seed: load.seed + more }).run()),
  )
  return (load.waiters * alone.reduce((sum, { seconds }) => sum + seconds, 0)) / alone.length
}

const loads = fc.record({
  slots: fc.integer({ min: 1, max: 12 }),
  more: fc.integer({ min: 1, max: 30 }),
  batches: fc.integer({ min: 1, max: 20 }),
  batchSeconds: fc.integer({ min: 2, max: 240 }),
  seed: fc.integer({ min: 1, max: 2_147_483_000 }),
})

describe('more executions than functions may run', () => {
  it('end within twice the time that they take one after another, with short Plans', async () => {
    const property = fc.asyncProperty(loads, async ({ more, ...load }) => {
      const given = { ...load, waiters: load.slots + more }
      const { seconds, planSeconds, ended } = await new Simulation(given).run()
      expect(ended).toBe(given.waiters)
      expect(seconds).toBeLessThan(2 * (await apartSeconds(given)) + 300)
      expect(planSeconds).toBeLessThan(60 * given.waiters)
    })
    await fc.assert(property, { numRuns: 40 })
  })

  it.each([
    { waiters: 12, hours: 1.5 },
    { waiters: 30, hours: 3.5 },
  ])(
    'are done in less than $hours hours where $waiters uploads of different months find ten functions',
    async given => {
      const load = { ...given, slots: 10, batches: 10, batchSeconds: 300, seed: 1 }
      const { seconds, ended, planSeconds } = await new Simulation(load).run()
      expect(ended).toBe(given.waiters)
      expect(seconds).toBeLessThan(given.hours * 3600)
      expect(planSeconds).toBeLessThan(0.2 * 3600)
    },
  )
})
