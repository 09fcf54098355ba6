/** Points the AWS SDK of a test file, and of the processes that it starts, at LocalStack. */
import { inject } from 'vitest'

/** Empty when there is no LocalStack: then the suites are skipped. */
export const endpoint = inject('localStackEndpoint')

/** What the SDK, the CDK and the command line need. */
export const environment = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
}

if (endpoint) Object.assign(process.env, environment)
