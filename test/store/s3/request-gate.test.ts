/** Requests at once, fewer after each that is refused; alone, and of hundreds of functions that write to one prefix, in virtual time. */
import { describe, expect, it } from 'vitest'
import { RequestGate, type RetryClock } from '../../../lib/store/s3/request-gate.ts'
import { defaultRetry, type RetryPolicy, withRetries } from '../../../lib/store/s3/retry.ts'

const refusal = (): Error =>
  Object.assign(new Error('reduce your request rate'), { name: 'SlowDown', $metadata: { httpStatusCode: 503 } })

/** Time goes on when nothing else does. */
class VirtualClock implements RetryClock {
  #now = 0
  readonly #timers: { readonly at: number; readonly go: () => void }[] = []

  now(): number {
    return this.#now
  }

  pause(ms: number): Promise<void> {
    return new Promise(go => this.#insert({ at: this.#now + ms, go }))
  }

  async run(work: Promise<unknown>): Promise<void> {
    let isOver = false
    void work.finally(() => {
      isOver = true
    })
    for (;;) {
      await new Promise(resolve => setImmediate(resolve))
      const next = this.#timers.shift()
      if (isOver || next === undefined) return
      this.#now = next.at
      next.go()
      // Requests of the same millisecond are sent together.
      while (this.#timers[0] && this.#timers[0].at < this.#now + 1) this.#timers.shift()?.go()
    }
  }

  #insert(timer: { readonly at: number; readonly go: () => void }): void {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#timers[middle]?.at ?? 0) <= timer.at) low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
  }
}

interface Flood {
  readonly functions: number
  /** Partitions of each function; each part needs two requests. */
  readonly parts: number
  /** Requests per second that S3 accepts for one prefix. */
  readonly writesPerSecond: number
  readonly policy: RetryPolicy
}

const answerMs = 50
const streams = 16
/** How long it takes, and how many functions fail. */
async function flood({ functions, parts, writesPerSecond, policy }: Flood) {
  const clock = new VirtualClock()
  const figures = { seconds: 0, failed: 0, refused: 0, served: 0 }
  let tokens = 2 * writesPerSecond
  let lastMs = 0
  const request = async (): Promise<void> => {
    await clock.pause(answerMs)
    tokens = Math.min(2 * writesPerSecond, tokens + ((clock.now() - lastMs) / 1000) * writesPerSecond)
    lastMs = clock.now()
    if (tokens < 1) {
      figures.refused++
      throw refusal()
    }
    tokens--
    figures.served++
  }
  const lambda = async (): Promise<void> => {
    const gate = new RequestGate(clock)
    const place = { verb: 'stage', url: 's3://lake/part', key: 'part' }
    let left = 2 * parts
    const stream = async (): Promise<void> => {
      await clock.pause(Math.random() * 2000)
      while (left-- > 0) await withRetries({ ...policy, clock }, place, { gate, act: request })
    }
    await Promise.all(Array.from({ length: streams }, stream)).catch(() => {
      left = 0
      figures.failed++
    })
  }
  const work = Promise.all(Array.from({ length: functions }, lambda))
  await clock.run(work)
  await work
  return { ...figures, seconds: clock.now() / 1000, idealSeconds: (2 * functions * parts) / writesPerSecond }
}

describe('a gate', () => {
  it('halves the requests in flight once per refused round, and adds one for each round that succeeds', async () => {
    const gate = new RequestGate(new VirtualClock())
    let inFlight = 0
    let most = 0
    const send = (isRefused: boolean) =>
      gate.run(async () => {
        most = Math.max(most, ++inFlight)
        await new Promise(resolve => setImmediate(resolve))
        inFlight--
        if (isRefused) throw refusal()
      })
    const round = async (count: number, isRefused: boolean) => {
      most = 0
      await Promise.allSettled(Array.from({ length: count }, () => send(isRefused)))
      return most
    }
    expect(await round(64, true)).toBe(64)
    expect(await round(32, false)).toBe(32)
    expect(await round(64, false)).toBeLessThan(36)
  })

  it('frees the slot of a request that is aborted while it waits', async () => {
    let now = 0
    const gate = new RequestGate({ now: () => (now += 1000), pause: () => Promise.resolve() })
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    await gate.run(() => Promise.reject(refusal())).catch(() => undefined)
    const first = gate.run(() => held)
    const aborting = new AbortController()
    const aborted = gate.run(async () => 'sent', aborting.signal)
    const last = gate.run(async () => 'sent')
    aborting.abort(new Error('stop'))
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    release()
    await first
    expect(await last).toBe('sent')
  })
})

// Every function's part of the rate is that of 500 functions at S3's 3,500 writes a second, with a tenth of the requests to simulate.
const fewer = { functions: 50, parts: 1000, writesPerSecond: 350 }

describe('hundreds of functions that write a thousand partitions each to one prefix', () => {
  it('finish in little more than the time that S3 allows, when they retry until their deadline', async () => {
    const figures = await flood({ ...fewer, policy: { ...defaultRetry, untilMs: () => 880_000 } })
    expect(figures).toMatchObject({ failed: 0, served: 100_000 })
    expect(figures.seconds).toBeLessThan(1.5 * figures.idealSeconds)
    expect(figures.refused).toBeLessThan(figures.served)
  })
})

it('gives the slot of a waiting request that is aborted to the next one', async () => {
  let now = 0
  const pause = async (ms: number): Promise<void> => {
    now += ms
  }
  const gate = new RequestGate({ now: () => now, pause })
  // From here on one request at a time.
  await expect(gate.run(() => Promise.reject(refusal()))).rejects.toThrow('reduce your request rate')
  const first = Promise.withResolvers<string>()
  const sent = gate.run(() => first.promise).catch((error: Error) => error.message)
  await new Promise(resolve => setImmediate(resolve))
  const stopping = new AbortController()
  const aborted = gate.run(async () => 'aborted', stopping.signal)
  const waiting = gate.run(async () => 'next')
  await new Promise(resolve => setImmediate(resolve))
  stopping.abort()
  await expect(aborted).rejects.toThrow()
  // One that fails makes no more room than its own.
  first.reject(new Error('no such key'))
  expect(await sent).toBe('no such key')
  expect(await Promise.race([waiting, new Promise(resolve => setTimeout(resolve, 1000, 'waits for ever'))])).toBe(
    'next',
  )
})

it('counts no try of a request that waited until its time was up', async () => {
  let now = 0
  const clock = { now: () => now, pause: async () => {} }
  const gate = {
    run: (act: () => Promise<unknown>) => {
      now += 60_000
      return act()
    },
  } as unknown as RequestGate
  const place = { verb: 'read', url: 's3://b/', key: 'a' } as const
  const sending = withRetries({ ...defaultRetry, clock }, place, { gate, act: async () => 'sent' })
  await expect(sending).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(/was not sent in time[^,]*, because S3 refuses the rate of requests \(SlowDown\)$/),
    detail: { tries: 0 },
  })
})
