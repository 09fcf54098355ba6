/** Defines the error with which a user's function rejects its row. */

/** Marks the error, because a bundle may hold another copy of the class than the worker. */
const mark = Symbol.for('fanmill.RejectError')

/**
 * Rejects the row of a `mapRows` function from code that has no context. The reject is like any other, with this reason.
 * @example
 * export function parsePrice(text: string): number {
 *   const price = Number(text.replace(',', '.'))
 *   if (Number.isNaN(price)) throw new RejectError('price is not a number')
 *   return price
 * }
 */
export class RejectError extends Error {
  override readonly name: string = 'RejectError'
  /** Why the row is rejected; `expected` of the reject. */
  readonly reason: string
  readonly [mark] = true

  /** @throws TypeError for a reason that is no text, or is empty */
  constructor(reason: string) {
    if (typeof reason !== 'string' || reason.trim() === '')
      throw new TypeError('reject: expected a reason that is not empty, for instance "amount is negative"')
    super(reason)
    this.reason = reason
  }
}

/** Returns whether a thrown value is a RejectError, from any copy of this library. */
export const isRejectError = (error: unknown): error is RejectError =>
  error instanceof Error && mark in error && typeof (error as RejectError).reason === 'string'
