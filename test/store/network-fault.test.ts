import { describe, expect, it } from 'vitest'
import { awsFault } from '../../lib/deployed/aws-fault.ts'
import { s3Fault } from '../../lib/store/s3/fault.ts'

const fault = (code: string) =>
  Object.assign(new Error(`getaddrinfo ${code} bucket`), { code, $metadata: { attempts: 1 } })

describe('isNetworkFault', () => {
  it.each(['ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])('accepts %s', code => {
    expect(s3Fault(fault(code), { verb: 'read', url: 's3://bucket/a', key: 'a' })).toMatchObject({
      name: 'TransientError',
      code: 'STORE_FAILED',
      message: `cannot read s3://bucket/a now: ${code}`,
    })
    expect(awsFault(fault(code), { verb: 'list', action: 'states:ListExecutions', on: 'arn' })).toMatchObject({
      name: 'TransientError',
      code: 'AWS_FAILED',
    })
  })

  it('rejects a programming error', () => {
    for (const bug of [fault('ERR_INVALID_ARG_TYPE'), new TypeError('x is not a function')]) {
      expect(s3Fault(bug, { verb: 'read', url: 's3://bucket/a', key: 'a' })).toBe(bug)
      expect(awsFault(bug, { verb: 'list', action: 'states:ListExecutions', on: 'arn' })).toBe(bug)
    }
  })
})
