/** Checks that the stacks are complete, because LocalStack silently creates nothing for resources of unknown types. */
import { setTimeout as pause } from 'node:timers/promises'
import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  GetTemplateCommand,
  type StackEvent,
  type StackResource,
} from '@aws-sdk/client-cloudformation'
import { beforeAll, describe, expect, it } from 'vitest'
import { pipelineFile, synthesise } from '../infra/stacks.ts'
import { type DeployedPipeline, type Deployment, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'
import { request } from './plain-requests.ts'

/** Types of resources that the construct can make and LocalStack cannot; a prop turns each off. */
const lacking = ['AWS::CloudWatch::Dashboard', 'AWS::Glue::Table']

describe.skipIf(!endpoint)('the deployed stacks', () => {
  let ours: readonly string[]
  let flights: DeployedPipeline
  beforeAll(async () => {
    const deployed: Deployment = await deployment()
    flights = deployed.flights
    ours = [flights.stack, deployed.visits.stack]
  })

  it('hold no resource that was created as a fallback', async () => {
    for (const stack of ['CDKToolkit', ...ours]) {
      const events = await eventsOf(stack)
      expect(events.length).toBeGreaterThan(10)
      expect(events.filter(({ ResourceStatusReason = '' }) => /fallback/i.test(ResourceStatusReason))).toEqual([])
      expect(events.filter(({ ResourceStatus = '' }) => /FAILED|ROLLBACK/.test(ResourceStatus))).toEqual([])
    }
  })

  it('have every type of resource that the construct can make, except for those that LocalStack lacks', async () => {
    const deployed = new Set((await Promise.all(ours.map(typesOf))).flat())
    const missing = everyType().filter(type => !deployed.has(type))
    expect(missing).toEqual(lacking)
  })

  // LocalStack keeps the dead-letter queue of a rule, but drops events that it cannot deliver: the test puts the event there.
  it('alarm when an event waits in the dead-letter queue that the rule names', async () => {
    const [queue, rule, alarm] = await Promise.all(
      ['TriggerDeadLetters', 'TriggerRule', 'UndeliveredAlarm'].map(name => resourceOf(flights, name)),
    )
    const { Targets } = await request('events', { operation: 'ListTargetsByRule', input: { Rule: nameOf(rule) } })
    const { Attributes } = await request('sqs', {
      operation: 'GetQueueAttributes',
      input: { QueueUrl: nameOf(queue), AttributeNames: ['QueueArn'] },
    })
    const { QueueArn } = Attributes as { QueueArn: string }
    expect(Targets).toEqual([
      expect.objectContaining({ Arn: flights.stateMachineArn, DeadLetterConfig: { Arn: QueueArn } }),
    ])
    expect(await stateOf(alarm)).not.toBe('ALARM')
    await request('sqs', { operation: 'SendMessage', input: { QueueUrl: nameOf(queue), MessageBody: '{}' } })
    while ((await stateOf(alarm)) !== 'ALARM') await pause(1000)
    await request('sqs', { operation: 'PurgeQueue', input: { QueueUrl: nameOf(queue) } })
  })
})

const client = (): CloudFormationClient => new CloudFormationClient({})

async function eventsOf(StackName: string): Promise<StackEvent[]> {
  const events: StackEvent[] = []
  let NextToken: string | undefined
  do {
    const page = await client().send(new DescribeStackEventsCommand({ StackName, NextToken }))
    events.push(...(page.StackEvents ?? []))
    NextToken = page.NextToken
  } while (NextToken)
  return events
}

async function typesOf(StackName: string): Promise<string[]> {
  const { TemplateBody = '{}' } = await client().send(new GetTemplateCommand({ StackName }))
  return typesIn(JSON.parse(TemplateBody).Resources)
}

/** Returns the types of all resources of a pipeline with every prop that adds some. */
function everyType(): string[] {
  const { template } = synthesise({
    entry: pipelineFile('sales.ts'),
    include: [],
    dashboard: true,
    glueDatabase: 'lake',
  })
  return [...new Set(typesIn(template.toJSON().Resources))].sort()
}

const typesIn = (resources: Readonly<Record<string, { readonly Type: string }>>): string[] =>
  Object.values(resources).map(({ Type }) => Type)

async function resourceOf({ stack, id }: DeployedPipeline, name: string): Promise<StackResource | undefined> {
  const { StackResources = [] } = await client().send(new DescribeStackResourcesCommand({ StackName: stack }))
  // The CDK appends eight hexadecimal digits to a name.
  return StackResources.find(
    ({ LogicalResourceId = '', ResourceType }) =>
      LogicalResourceId.slice(0, -8) === `${id}${name}` && !ResourceType?.endsWith('Policy'),
  )
}

/** Returns the name of a resource; the physical id of a rule is `<bus>|<rule>`, that of a queue its URL. */
const nameOf = (resource: StackResource | undefined): string => resource?.PhysicalResourceId?.split('|').at(-1) ?? ''

async function stateOf(alarm: StackResource | undefined): Promise<string | undefined> {
  const answer = await request('monitoring', { operation: 'DescribeAlarms', input: { AlarmNames: [nameOf(alarm)] } })
  const [found] = answer.MetricAlarms as { StateValue: string }[]
  return found?.StateValue
}
