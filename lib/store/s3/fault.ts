/** Converts errors of the AWS SDK for S3 to Fanmill's errors. */
import { throwIfAborted } from '../../errors/abort.ts'
import { FanmillError, PermanentError, TransientError } from '../../errors/errors.ts'
import { codeOf, isNetworkFault, statusOf } from '../network-fault.ts'
import { requesterPays } from './requester-pays.ts'

export interface FaultPlace {
  /** Verb for messages, as in `cannot read`. */
  readonly verb: string
  /** Address of the object, or of the prefix. */
  readonly url: string
  readonly key: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Converts what a request or a body threw. Errors that do not come from the store are returned unchanged.
 * Returns a TransientError when the same request may succeed later.
 * @throws ABORTED when the signal is
 */
export function s3Fault(error: unknown, place: FaultPlace): unknown {
  if (error instanceof FanmillError) return error
  throwIfAborted(place.signal)
  if (!(error instanceof Error)) return error
  const fault = { error, place, status: statusOf(error) }
  return missingFault(fault) ?? changedFault(fault) ?? refusedFault(fault) ?? transientFault(fault) ?? otherFault(fault)
}

/** Returns whether a failed request may still have had its effect: its answer was lost, or the server failed midway. */
export function isUncertain(error: unknown): boolean {
  const status = statusOf(error)
  return status === undefined || status >= 500 || status === 200
}

interface Fault {
  readonly error: Error
  readonly place: FaultPlace
  readonly status: number | undefined
}

function missingFault({ error, place, status }: Fault): PermanentError | undefined {
  const { verb, url } = place
  if (error.name === 'NoSuchBucket')
    return failed(
      { error, place, status },
      `cannot ${verb} ${url}: there is no such bucket; check its name, the account and the region`,
    )
  if (error.name !== 'NoSuchKey' && error.name !== 'NotFound') return undefined
  const message = `cannot ${verb} ${url}: there is no such object`
  return new PermanentError('DATASET_MISSING', message, { key: place.key }, { cause: error })
}

function changedFault({ error, place, status }: Fault): PermanentError | undefined {
  if (status !== 412 && status !== 416) return undefined
  const what = status === 412 ? 'its etag is another' : 'it is shorter'
  const message = `${place.url}: ${what}; it changed while the run read it: run again`
  return new PermanentError('INPUT_CHANGED', message, { key: place.key }, { cause: error })
}

function refusedFault(fault: Fault): PermanentError | undefined {
  const { error, place, status } = fault
  const { verb, url } = place
  if (/CredentialsProviderError|InvalidAccessKeyId|SignatureDoesNotMatch/.test(error.name))
    return failed(fault, `cannot ${verb} ${url}: ${error.message}; sign in, or name a profile that has credentials`)
  if (/^Region (is missing|not accepted)/.test(error.message)) {
    const message = `cannot ${verb} ${url}: no region is known; name one, or set AWS_REGION`
    return new PermanentError('USAGE', message, {}, { cause: error })
  }
  if (transientNames.test(error.name)) return undefined
  if (error.name === requesterPays)
    return failed(
      fault,
      `cannot ${verb} ${url}: expected a bucket whose owner pays, got one with Requester Pays, which is not supported; copy its objects to a bucket of yours: aws s3 sync --request-payer requester`,
    )
  // Without permission to list the bucket, S3 also answers 403 for a missing key.
  if (status === 403)
    return failed(fault, `cannot ${verb} ${url}: access denied; check that the role may read, write and list there`)
  if (status === 301 || status === 307)
    return failed(fault, `cannot ${verb} ${url}: the bucket is in another region; name it`)
  return undefined
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const transientNames =
  /SlowDown|Throttl|TooManyRequests|RequestLimitExceeded|InternalError|ServiceUnavailable|RequestTimeout|RequestTimeTooSkewed|ExpiredToken|OperationAborted|ConditionalRequestConflict|TimeoutError|IncompleteBody|BadDigest/

function transientFault(fault: Fault): TransientError | undefined {
  const { error, place, status } = fault
  const isTransient =
    transientNames.test(error.name) ||
    (status === undefined ? isNetworkFault(error) : status >= 500 || status === 429 || status < 300)
  if (!isTransient) return undefined
  const what = status === undefined ? codeOf(error) : `${status} ${error.name}`
  return new TransientError('STORE_FAILED', `cannot ${place.verb} ${place.url} now: ${what}`, detailOf(fault), {
    cause: error,
  })
}

/** Returns an error without a status unchanged: it is a programming error. */
function otherFault(fault: Fault): Error {
  const { error, place, status } = fault
  return status === undefined
    ? error
    : failed(fault, `cannot ${place.verb} ${place.url}: ${status} ${error.name}: ${error.message}`)
}

function failed(fault: Fault, message: string): PermanentError {
  return new PermanentError('STORE_FAILED', message, detailOf(fault), { cause: fault.error })
}

function detailOf({ error, place, status }: Fault) {
  return { key: place.key, reason: error.name, ...(status !== undefined && { status }) }
}
