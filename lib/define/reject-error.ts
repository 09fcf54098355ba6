/** The error with which a function of the user rejects its row. */

/** Also known by this mark, because a bundle may hold another copy of the class than the worker. */
const mark = Symbol.for('fanmill.RejectError')

/**
 * Rejects the row that a `mapRows` function works on, from code that has no context: a reject like any other, with this reason.
 * @example
 * export function parsePrice(text: string): number {
 *   const price = Number(text.replace(',', '.'))
 *   if (Number.isNaN(price)) throw new RejectError('the price is no number')
 *   return price
 * }
 */
export class RejectError extends Error {
  override readonly name: string = 'RejectError'
  /** What a good row has; shown as `expected` of the reject. */
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

/** Whether a thrown value is a RejectError, of whichever copy of this library. */
export const isRejectError = (error: unknown): error is RejectError =>
  error instanceof Error && mark in error && typeof (error as RejectError).reason === 'string'
