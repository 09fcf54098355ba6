/** Calls Lambda by plain requests: LocalStack reads the service from the credential's scope, and checks no signature. */
import { setTimeout as pause } from 'node:timers/promises'
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation'
import type { DeployedPipeline } from './deployment.ts'
import { endpoint } from './environment.ts'

/** Sends a request. @throws Error with the answer of Lambda */
export async function lambda(
  path: string,
  { method = 'POST', body }: { readonly method?: string; readonly body?: object } = {},
): Promise<Record<string, unknown>> {
  const scope = 'Credential=test/20260101/us-east-1/lambda/aws4_request'
  const answer = await fetch(`${endpoint}/2015-03-31/functions${path}`, {
    method,
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=any` },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return JSON.parse(text)
}

/** Makes the functions of a pipeline use this address instead of LocalStack's. It stays so after the test file, so that no other file may use the pipeline. */
export async function routeThrough(address: string, pipeline: DeployedPipeline): Promise<void> {
  await Promise.all((await functionsOf(pipeline)).map(name => addVariables(name, { AWS_ENDPOINT_URL: address })))
}

/** Returns the environment of one function of a pipeline. */
export async function variablesOf(pipeline: DeployedPipeline, construct: string): Promise<Record<string, string>> {
  const [name] = await functionsOf({ ...pipeline, id: `${pipeline.id}${construct}` })
  const { Environment } = await lambda(`/${name}/configuration`, { method: 'GET' })
  return (Environment as { Variables: Record<string, string> }).Variables
}

async function functionsOf({ stack, id }: Pick<DeployedPipeline, 'stack' | 'id'>): Promise<string[]> {
  const { StackResources = [] } = await new CloudFormationClient({}).send(
    new DescribeStackResourcesCommand({ StackName: stack }),
  )
  return StackResources.filter(
    ({ ResourceType, LogicalResourceId }) =>
      ResourceType === 'AWS::Lambda::Function' && LogicalResourceId?.startsWith(id),
  ).map(({ PhysicalResourceId }) => PhysicalResourceId ?? '')
}

async function addVariables(name: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const configuration = (): Promise<{ Environment?: { Variables: object }; LastUpdateStatus?: string }> =>
    lambda(`/${name}/configuration`, { method: 'GET' })
  const { Environment } = await configuration()
  const body = { Environment: { Variables: { ...Environment?.Variables, ...variables } } }
  await lambda(`/${name}/configuration`, { method: 'PUT', body })
  while ((await configuration()).LastUpdateStatus === 'InProgress') await pause(100)
}
