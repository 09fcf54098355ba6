/** Retries requests after transient faults, with growing, jittered pauses, as long as time allows. */
import { type FanmillError, TransientError } from '../../errors/errors.ts'
import { type FaultPlace, s3Fault } from './fault.ts'
import { isRefusal, type RequestGate, type RetryClock, systemClock } from './request-gate.ts'

export interface RetryPolicy {
  readonly firstPauseMs: number
  readonly pauseMsMax: number
  /**
   * Returns until when, in milliseconds since 1970, tries of a request may start whose first try, or last byte of progress, was at
   * `startedAtMs`. A refusal is an answer such as 503 SlowDown.
   */
  readonly untilMs: (startedAtMs: number, isRefusal: boolean) => number
  readonly clock?: RetryClock
}

/** Time for retries under a lease of 60 seconds or more: together with the time of one request less than half of it, so that no retry outlives its lease. */
export const leasedMs = 15_000

export const defaultRetry: RetryPolicy = {
  firstPauseMs: 100,
  pauseMsMax: 5_000,
  untilMs: startedAtMs => startedAtMs + leasedMs,
}

/** Counts the tries of one operation. */
export class Retries {
  readonly #policy: RetryPolicy
  readonly #clock: RetryClock
  readonly #place: FaultPlace
  /** Number of failed tries since the last progress. */
  tries = 0
  #startedAt: number
  #late: TransientError | undefined
  #fault: TransientError | undefined

  constructor(policy: RetryPolicy, place: FaultPlace) {
    this.#policy = policy
    this.#clock = policy.clock ?? systemClock
    this.#place = place
    this.#startedAt = this.#clock.now()
  }

  /** Starts counting again, after progress. */
  reset(): void {
    this.tries = 0
    this.#fault = undefined
    this.#startedAt = this.#clock.now()
  }

  /** Pauses before the next try. @throws the fault when it is permanent or the time is used up; ABORTED */
  async pauseOrThrow(error: unknown): Promise<void> {
    // The time was up before the request was sent, which is no try.
    if (error === this.#late) throw error
    const fault = s3Fault(error, this.#place)
    if (!(fault instanceof TransientError) || fault.code === 'ABORTED') throw fault
    this.tries++
    this.#fault = fault
    const { firstPauseMs, pauseMsMax } = this.#policy
    // Full jitter: any pause up to the bound, so that many workers do not retry at the same time.
    const pauseMs = Math.random() * Math.min(pauseMsMax, firstPauseMs * 2 ** (this.tries - 1))
    if (this.#clock.now() + pauseMs > this.#untilMs(isRefusal(error))) throw this.#withTries(fault)
    const { signal } = this.#place
    await this.#clock.pause(pauseMs, signal).catch(error => {
      throw s3Fault(error, this.#place)
    })
    this.checkTime()
  }

  /**
   * Checks the time again after a wait: a machine that slept beyond it must not continue, because another process may have taken over.
   * @throws the fault of the last try, or that there was none in time
   */
  checkTime(): void {
    if (this.#clock.now() <= this.#untilMs(true)) return
    this.#late = this.#withTries(this.#fault ?? lateFault(this.#place))
    throw this.#late
  }

  #untilMs(isRefusal: boolean): number {
    return this.#policy.untilMs(this.#startedAt, isRefusal)
  }

  #withTries(fault: FanmillError): TransientError {
    const message = this.tries > 1 ? `${fault.message}, tried ${this.tries} times` : fault.message
    return new TransientError(fault.code, message, { ...fault.detail, tries: this.tries }, { cause: fault.cause })
  }
}

/** Runs `act`, and again after transient faults, with the number of earlier tries. */
export async function withRetries<T>(
  policy: RetryPolicy,
  place: FaultPlace,
  { gate, act }: { readonly gate: RequestGate; act(tries: number): Promise<T> },
): Promise<T> {
  const retries = new Retries(policy, place)
  for (;;) {
    try {
      return await gate.run(() => {
        retries.checkTime()
        return act(retries.tries)
      }, place.signal)
    } catch (error) {
      await retries.pauseOrThrow(error)
    }
  }
}

function lateFault({ verb, url, key }: FaultPlace): TransientError {
  const message = `cannot ${verb} ${url} now: the request was not sent in time, because S3 refuses the rate of requests (SlowDown)`
  return new TransientError('STORE_FAILED', message, { key, reason: 'SlowDown' })
}
