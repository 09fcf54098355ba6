/** How many requests one process has in flight at a bucket: fewer after each that S3 refuses for its rate, and slowly more again. */
import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted } from '../../errors/abort.ts'
import { statusOf } from './fault.ts'

/** Time as tests may give it. */
export interface RetryClock {
  now(): number
  /** @throws when the signal is aborted */
  pause(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: RetryClock = {
  now: () => Date.now(),
  pause: async (ms, signal) => {
    await delay(ms, undefined, signal && { signal })
  },
}

/** More than the reads and uploads that one process has in flight. */
const limitMax = 256
const firstPauseMs = 100
const pauseMsMax = 5_000

/**
 * Halves what is in flight when a request is refused, once for those that were sent together, and adds one for each round that
 * succeeds. Where one at a time is still too many, none is sent for a pause that doubles. S3 limits a prefix, and not a process:
 * hundreds of functions that write to one dataset find their common rate in this way.
 * A request must not wait for another one of the same gate, or both would wait for ever.
 */
export class RequestGate {
  readonly #clock: RetryClock
  #limit = limitMax
  #inFlight = 0
  /** Requests that were sent in an earlier round do not count again. */
  #round = 0
  #refusals = 0
  #openAtMs = 0
  readonly #waiting: (() => void)[] = []

  constructor(clock: RetryClock = systemClock) {
    this.#clock = clock
  }

  /** Sends one request when there is room. @throws as the request; ABORTED */
  async run<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal)
    const round = this.#round
    try {
      const answer = await send()
      this.#limit = Math.min(limitMax, this.#limit + 1 / this.#limit)
      this.#refusals = 0
      return answer
    } catch (error) {
      if (isRefusal(error)) this.#shrink(round)
      throw error
    } finally {
      this.#inFlight--
      this.#wake()
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const closedMs = this.#openAtMs - this.#clock.now()
      if (closedMs > 0) await this.#clock.pause(closedMs, signal).catch(() => undefined)
      else if (this.#inFlight < Math.floor(this.#limit)) break
      else await this.#wait(signal)
      if (signal?.aborted) {
        // The room that it was woken for is another one's.
        this.#wake()
        throwIfAborted(signal)
      }
    }
    this.#inFlight++
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const go = (): void => {
        signal?.removeEventListener('abort', go)
        // One that is aborted must not take the room of those behind it.
        const place = this.#waiting.indexOf(go)
        if (place >= 0) this.#waiting.splice(place, 1)
        resolve()
      }
      signal?.addEventListener('abort', go)
      this.#waiting.push(go)
    })
  }

  #wake(): void {
    for (let room = Math.floor(this.#limit) - this.#inFlight; room > 0; room--) this.#waiting.shift()?.()
  }

  #shrink(round: number): void {
    if (round !== this.#round) return
    this.#round++
    this.#limit = Math.max(1, Math.min(this.#limit, this.#inFlight) / 2)
    if (this.#limit > 1) return
    const pauseMs = Math.random() * Math.min(pauseMsMax, firstPauseMs * 2 ** this.#refusals++)
    this.#openAtMs = this.#clock.now() + pauseMs
  }
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html */
const refusalNames = /SlowDown|Throttl|TooManyRequests|RequestLimitExceeded/

/** Whether the store would take the request at a lower rate. */
export function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  return status === 503 || status === 429 || refusalNames.test((error as Error | undefined)?.name ?? '')
}
