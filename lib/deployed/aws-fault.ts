/** Converts errors of the AWS SDK, when a deployed pipeline is operated, to Fanmill's errors. */
import { FanmillError, PermanentError, TransientError } from '../errors/errors.ts'
import { codeOf, isNetworkFault, statusOf } from '../store/network-fault.ts'

export interface AwsAct {
  /** Verb for messages, as in `cannot start an execution`. */
  readonly verb: string
  /** Action as policies name it: `states:StartExecution`. */
  readonly action: string
  /** Stack, state machine or log group of the request, as the caller named it. */
  readonly on: string
}

/** Converts what a request threw after the SDK's retries. Errors that do not come from AWS are returned unchanged. */
export function awsFault(error: unknown, act: AwsAct): unknown {
  if (error instanceof FanmillError || !(error instanceof Error)) return error
  return (
    credentialsFault(error, act) ?? refusedFault(error, act) ?? transientFault(error, act) ?? otherFault(error, act)
  )
}

function credentialsFault(error: Error, act: AwsAct): PermanentError | undefined {
  const { name, message } = error
  if (/^Region (is missing|not accepted)/.test(message)) {
    const message = `${cannot(act)}: no region is known; name one with --region, or set AWS_REGION`
    return new PermanentError('USAGE', message, {}, { cause: error })
  }
  if (/ExpiredToken|RequestExpired|TokenRefreshRequired/.test(name) || /token (is|has) expired/i.test(message))
    return refusal(error, act, 'the credentials have expired; sign in again')
  if (credentialNames.test(name))
    return refusal(error, act, `${trimmed(message)}; sign in, or name a profile that has credentials with --profile`)
  return undefined
}

const credentialNames =
  /CredentialsProviderError|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|OptInRequired/

function refusedFault(error: Error, act: AwsAct): PermanentError | undefined {
  const isRefused = /AccessDenied|NotAuthorized|UnauthorizedOperation/.test(error.name) || statusOf(error) === 403
  return isRefused ? refusal(error, act, `access denied; it needs ${act.action} on ${act.on}`) : undefined
}

function transientFault(error: Error, act: AwsAct): TransientError | undefined {
  const status = statusOf(error)
  const isTransient =
    /Throttl|TooManyRequests|LimitExceeded|ServiceUnavailable|InternalFailure|InternalServer|TimeoutError/.test(
      error.name,
    ) || (status === undefined ? isNetworkFault(error) : status >= 500 || status === 429)
  if (!isTransient) return undefined
  const what = status === undefined ? codeOf(error) : `${status} ${error.name}`
  return new TransientError('AWS_FAILED', `${cannot(act)} now: ${what}; try again`, detailOf(error, act), {
    cause: error,
  })
}

/** Returns an error without a status unchanged: it is a programming error. */
function otherFault(error: Error, act: AwsAct): Error {
  if (statusOf(error) === undefined) return error
  const message = `${cannot(act)}: ${error.name}: ${trimmed(error.message)}`
  return new PermanentError('AWS_FAILED', message, detailOf(error, act), { cause: error })
}

function refusal(error: Error, act: AwsAct, why: string): PermanentError {
  return new PermanentError('AWS_REFUSED', `${cannot(act)}: ${why}`, detailOf(error, act), { cause: error })
}

const cannot = ({ verb, on }: AwsAct): string => `cannot ${verb} ${on}`
const trimmed = (message: string): string => message.replace(/\.\s*$/, '')
const detailOf = (error: Error, { action, on }: AwsAct) => ({ action, on, reason: error.name })
