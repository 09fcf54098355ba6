/** Tries again what may pass: with growing, jittered pauses, and within a budget. */
import { type FanmillError, TransientError } from '../../errors/errors.ts'
import { type FaultPlace, s3Fault } from './fault.ts'
import { isRefusal, type RequestGate, type RetryClock, systemClock } from './request-gate.ts'

export interface RetryPolicy {
  /** Of one request, or of a body without a byte of progress. */
  readonly triesMax: number
  readonly firstPauseMs: number
  readonly pauseMsMax: number
  /** From the first try to the beginning of the last one. With one request's time it is less than half of a lease, so that no retry outlives its claim. */
  readonly budgetMs: number
  /**
   * Until when, in milliseconds since 1970, a request is tried again that S3 refuses for its rate (503 SlowDown), however often.
   * Default as any other fault. Only for work under no claim: a batch, whose parts and outcome are of use whenever they are written.
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

  /** How often it was tried again since it last got on. */
  get tries(): number {
    return this.#tries
  }

  /** After progress a fault is a new one. */
  renew(): void {
    this.#tries = 0
    this.#startedAt = this.#clock.now()
  }

  /** Pauses before another try. @throws the fault, when it cannot pass or the budget is used up; ABORTED */
  async again(error: unknown): Promise<void> {
    const fault = s3Fault(error, this.#place)
    if (!(fault instanceof TransientError) || fault.code === 'ABORTED') throw fault
    this.#tries++
    this.#isRefused = isRefusal(error)
    const { firstPauseMs, pauseMsMax } = this.#policy
    // Full jitter: any pause up to the bound, so that many workers do not come back at once.
    const pauseMs = Math.random() * Math.min(pauseMsMax, firstPauseMs * 2 ** (this.#tries - 1))
    if (this.#isLast(pauseMs)) throw this.#spent(fault)
    const { signal } = this.#place
    await this.#clock.pause(pauseMs, signal).catch(error => {
      throw s3Fault(error, this.#place)
    })
    this.checkTime(fault)
  }

  /**
   * A machine that slept, or waited for room, until the time was over is not the one to go on: what it was about to change may be
   * another's by now. @throws the fault
   */
  checkTime(fault: FanmillError = lateFault(this.#place)): void {
    if (this.#clock.now() > this.#endMs(true)) throw this.#spent(fault)
  }

  #isLast(pauseMs: number): boolean {
    const { triesMax, refusedUntilMs } = this.#policy
    const isUncounted = this.#isRefused && refusedUntilMs !== undefined
    return (!isUncounted && this.#tries >= triesMax) || this.#clock.now() + pauseMs > this.#endMs(this.#isRefused)
  }

  #endMs(isRefused: boolean): number {
    const { budgetMs, refusedUntilMs } = this.#policy
    const endMs = this.#startedAt + budgetMs
    return isRefused && refusedUntilMs ? Math.max(endMs, refusedUntilMs(this.#startedAt)) : endMs
  }

  #spent(fault: FanmillError): TransientError {
    const message = this.#tries > 1 ? `${fault.message}, tried ${this.#tries} times` : fault.message
    return new TransientError(fault.code, message, { ...fault.detail, tries: this.#tries }, { cause: fault.cause })
  }
}

/** Does one request, again where it may pass; `act` learns how often it was tried before. */
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
      await retries.again(error)
    }
  }
}

function lateFault({ verb, url, key }: FaultPlace): TransientError {
  const message = `cannot ${verb} ${url} now: there was no room for the request in time, because S3 refuses the rate of requests`
  return new TransientError('STORE_FAILED', message, { key, reason: 'SlowDown' })
}
