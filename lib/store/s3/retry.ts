/** Retries requests after transient faults, with growing, jittered pauses and within a budget. */
import { type FanmillError, TransientError } from '../../errors/errors.ts'
import { type FaultPlace, s3Fault } from './fault.ts'
import { isRefusal, type RequestGate, type RetryClock, systemClock } from './request-gate.ts'

export interface RetryPolicy {
  /** Limit on the tries of one request, or of a body without a byte of progress. */
  readonly triesMax: number
  readonly firstPauseMs: number
  readonly pauseMsMax: number
  /** Time from the first try to the start of the last one. Together with the time of one request it is less than half of a lease, so that no retry outlives its lease. */
  readonly budgetMs: number
  /**
   * Returns until when, in milliseconds since 1970, a request is retried that S3 refuses with 503 SlowDown, without a limit on tries.
   * Default as for any other fault. Only for work without a lease: the parts and outcome of a batch may be written at any time.
   */
  readonly refusedUntilMs?: ((startedAtMs: number) => number) | undefined
  readonly clock?: RetryClock
}

export const defaultRetry: RetryPolicy = { triesMax: 10, firstPauseMs: 100, pauseMsMax: 5_000, budgetMs: 15_000 }

/** Counts the tries of one operation. */
export class Retries {
  readonly #policy: RetryPolicy
  readonly #clock: RetryClock
  readonly #place: FaultPlace
  #tries = 0
  #startedAt: number
  #isRefused = false

  constructor(policy: RetryPolicy, place: FaultPlace) {
    this.#policy = policy
    this.#clock = policy.clock ?? systemClock
    this.#place = place
    this.#startedAt = this.#clock.now()
  }

  /** Number of failed tries since the last progress. */
  get tries(): number {
    return this.#tries
  }

  /** Starts counting again, after progress. */
  reset(): void {
    this.#tries = 0
    this.#startedAt = this.#clock.now()
  }

  /** Pauses before the next try. @throws the fault when it is permanent or the budget is used up; ABORTED */
  async pauseOrThrow(error: unknown): Promise<void> {
    const fault = s3Fault(error, this.#place)
    if (!(fault instanceof TransientError) || fault.code === 'ABORTED') throw fault
    this.#tries++
    this.#isRefused = isRefusal(error)
    const { firstPauseMs, pauseMsMax } = this.#policy
    // Full jitter: any pause up to the bound, so that many workers do not retry at the same time.
    const pauseMs = Math.random() * Math.min(pauseMsMax, firstPauseMs * 2 ** (this.#tries - 1))
    if (this.#isLast(pauseMs)) throw this.#withTries(fault)
    const { signal } = this.#place
    await this.#clock.pause(pauseMs, signal).catch(error => {
      throw s3Fault(error, this.#place)
    })
    this.checkTime(fault)
  }

  /**
   * Checks the budget again after a wait: a machine that slept beyond it must not continue, because another process may have taken over.
   * @throws the fault
   */
  checkTime(fault: FanmillError = lateFault(this.#place)): void {
    if (this.#clock.now() > this.#endMs(true)) throw this.#withTries(fault)
  }

  #isLast(pauseMs: number): boolean {
    const { triesMax, refusedUntilMs } = this.#policy
    const isUnlimited = this.#isRefused && refusedUntilMs !== undefined
    return (!isUnlimited && this.#tries >= triesMax) || this.#clock.now() + pauseMs > this.#endMs(this.#isRefused)
  }

  #endMs(isRefused: boolean): number {
    const { budgetMs, refusedUntilMs } = this.#policy
    const endMs = this.#startedAt + budgetMs
    return isRefused && refusedUntilMs ? Math.max(endMs, refusedUntilMs(this.#startedAt)) : endMs
  }

  #withTries(fault: FanmillError): TransientError {
    const message = this.#tries > 1 ? `${fault.message}, tried ${this.#tries} times` : fault.message
    return new TransientError(fault.code, message, { ...fault.detail, tries: this.#tries }, { cause: fault.cause })
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
