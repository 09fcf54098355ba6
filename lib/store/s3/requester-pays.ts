/** Recognises buckets whose readers pay: S3 refuses requests to them as AccessDenied, as it does without a permission. */
import { statusOf } from '../network-fault.ts'

/** Name of the error of a request that only a paying reader may send. */
export const requesterPays = 'RequesterPays'

/**
 * Sends a reading request. Where access is denied, `sendAsPayer` sends a small request that agrees to pay, once: any answer but another
 * 403 shows that the bucket has Requester Pays, which becomes the error's name.
 */
export async function sendUnpaid<T>(send: () => Promise<T>, sendAsPayer: () => Promise<unknown>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AccessDenied') throw error
    const status = await sendAsPayer().then(() => 200, statusOf)
    if (status === undefined || status === 403 || status >= 500) throw error
    throw Object.assign(new Error('the bucket has Requester Pays', { cause: error }), {
      name: requesterPays,
      $metadata: { httpStatusCode: 403 },
    })
  }
}
