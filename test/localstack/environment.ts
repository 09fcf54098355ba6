/** Points the AWS SDK of a test file, and of the processes that it starts, at LocalStack. */
import { inject } from 'vitest'

/** Endpoint of LocalStack; empty when there is none and the suites are skipped. */
export const endpoint = inject('localStackEndpoint')

/** Variables for the SDK, the CDK and the command line. */
export const environment = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
}

if (endpoint) Object.assign(process.env, environment)
