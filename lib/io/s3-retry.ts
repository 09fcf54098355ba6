/** Tries again what may pass: with growing, jittered pauses, and within a budget. */
import { setTimeout as pause } from 'node:timers/promises'
import { type FanmillError, TransientError } from '../core/errors.ts'
import { type FaultPlace, s3Fault } from './s3-fault.ts'

export interface RetryPolicy {
  /** Of one request, or of a body without a byte of progress. */
  readonly triesMax: number
  readonly firstPauseMs: number
  readonly pauseMsMax: number
  /** From the first try to the beginning of the last one. With one request's time it is less than half of a lease, so that no retry outlives its claim. */
  readonly budgetMs: number
}

export const defaultRetry: RetryPolicy = { triesMax: 10, firstPauseMs: 100, pauseMsMax: 5_000, budgetMs: 15_000 }

/** Counts the tries of one operation. */
export class Retries {
  readonly #policy: RetryPolicy
  readonly #place: FaultPlace
  #tries = 0
  #startedAt = Date.now()

  constructor(policy: RetryPolicy, place: FaultPlace) {
    this.#policy = policy
    this.#place = place
  }

  /** How often it was tried again since it last got on. */
  get tries(): number {
    return this.#tries
  }

  /** After progress a fault is a new one. */
  renew(): void {
    this.#tries = 0
    this.#startedAt = Date.now()
  }

  /** Pauses before another try. @throws the fault, when it cannot pass or the budget is used up; ABORTED */
  async again(error: unknown): Promise<void> {
    const fault = s3Fault(error, this.#place)
    if (!(fault instanceof TransientError) || fault.code === 'ABORTED') throw fault
    this.#tries++
    const { triesMax, firstPauseMs, pauseMsMax, budgetMs } = this.#policy
    // Full jitter: any pause up to the bound, so that many workers do not come back at once.
    const pauseMs = Math.random() * Math.min(pauseMsMax, firstPauseMs * 2 ** (this.#tries - 1))
    const isSpent = this.#tries >= triesMax || Date.now() + pauseMs - this.#startedAt > budgetMs
    if (isSpent) throw this.#spent(fault)
    const { signal } = this.#place
    await pause(pauseMs, undefined, signal && { signal }).catch(error => {
      throw s3Fault(error, this.#place)
    })
    // A machine that slept over the pause is not the one to go on: what it was about to change may be another's by now.
    if (Date.now() - this.#startedAt > budgetMs) throw this.#spent(fault)
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
  act: (tries: number) => Promise<T>,
): Promise<T> {
  const retries = new Retries(policy, place)
  for (;;) {
    try {
      return await act(retries.tries)
    } catch (error) {
      await retries.again(error)
    }
  }
}
