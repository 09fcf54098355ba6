/** Calls services for which this repository has no client by plain requests: LocalStack reads the service from the credential's scope, and checks no signature. */
import { endpoint } from './environment.ts'

/** Names of AWS before the operation; all of these services use JSON. */
const targets = { events: 'AWSEvents', sqs: 'AmazonSQS', monitoring: 'GraniteServiceVersion20100801' } as const

/** Sends a request. @throws Error with the answer of the service */
export async function request(
  service: keyof typeof targets,
  { operation, input }: { readonly operation: string; readonly input: object },
): Promise<Record<string, unknown>> {
  const scope = `Credential=test/20260101/us-east-1/${service}/aws4_request`
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=any`,
      'content-type': `application/x-amz-json-${service === 'events' ? '1.1' : '1.0'}`,
      'x-amz-target': `${targets[service]}.${operation}`,
    },
    body: JSON.stringify(input),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}
