/** Limits the requests that one process has in flight at a bucket: fewer after each SlowDown of S3, and slowly more again. */
import { setTimeout as delay } from 'node:timers/promises'
import { throwIfAborted } from '../../errors/abort.ts'
import { statusOf } from '../network-fault.ts'

/** The clock of retries; tests pass their own. */
export interface RetryClock {
  now(): number
  /** @throws when the signal is aborted */
  pause(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: RetryClock = {
  now: () => Date.now(),
  pause: async (ms, signal) => {
    await delay(ms, undefined, { signal })
  },
}

/** Above the number of reads and uploads that one process has in flight. */
const limitMax = 256
const firstPauseMs = 100
const pauseMsMax = 5_000

/**
 * Halves the limit when a request is refused, once per round of requests that were sent together, and adds one for each round that
 * succeeds. When one at a time is still too many, it pauses, twice as long each time. S3 limits a prefix and not a process:
 * hundreds of functions that write to one dataset find their common rate in this way.
 * A request must not wait for another one of the same gate, or both would wait forever.
 */
export class RequestGate {
  readonly #clock: RetryClock
  #limit = limitMax
  #inFlight = 0
  /** Refusals of requests that were sent in an earlier round are ignored. */
  #round = 0
  #refusals = 0
  #openAtMs = 0
  readonly #waiting: (() => void)[] = []
  /** Whether any request was answered, also with an error. */
  isReached = false

  constructor(clock: RetryClock = systemClock) {
    this.#clock = clock
  }

  /** Sends one request when the limit allows. @throws as the request; ABORTED */
  async run<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal)
    const round = this.#round
    try {
      const answer = await send()
      this.isReached = true
      this.#limit = Math.min(limitMax, this.#limit + 1 / this.#limit)
      this.#refusals = 0
      return answer
    } catch (error) {
      if (statusOf(error) !== undefined) this.isReached = true
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
        // Passes the slot that it was woken for to the next request.
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
        // A request that is aborted must not use the slot of those behind it.
        const position = this.#waiting.indexOf(go)
        if (position >= 0) this.#waiting.splice(position, 1)
        resolve()
      }
      signal?.addEventListener('abort', go)
      this.#waiting.push(go)
    })
  }

  #wake(): void {
    for (let free = Math.floor(this.#limit) - this.#inFlight; free > 0; free--) this.#waiting.shift()?.()
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

/** Returns whether S3 refused the request for the rate of requests. */
export function isRefusal(error: unknown): boolean {
  const status = statusOf(error)
  return status === 503 || status === 429 || refusalNames.test((error as Error | undefined)?.name ?? '')
}
