/** That the stacks are all there: LocalStack makes resources of types that it does not know of nothing, in silence. */
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

/** What the construct can make and LocalStack cannot, each behind a prop. */
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

  it('lack of all that the construct can make only what LocalStack lacks', async () => {
    const deployed = new Set((await Promise.all(ours.map(typesOf))).flat())
    const missing = everyType().filter(type => !deployed.has(type))
    expect(missing).toEqual(lacking)
  })

  // LocalStack keeps what a rule says of a dead-letter queue, and drops what it cannot deliver: the event is put there by hand.
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

/** Of the resources that a pipeline has with every prop that adds some. */
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
  // The CDK ends a name with eight digits.
  return StackResources.find(
    ({ LogicalResourceId = '', ResourceType }) =>
      LogicalResourceId.slice(0, -8) === `${id}${name}` && !ResourceType?.endsWith('Policy'),
  )
}

/** A rule's is `<bus>|<rule>`, a queue's its URL. */
const nameOf = (resource: StackResource | undefined): string => resource?.PhysicalResourceId?.split('|').at(-1) ?? ''

async function stateOf(alarm: StackResource | undefined): Promise<string | undefined> {
  const answer = await request('monitoring', { operation: 'DescribeAlarms', input: { AlarmNames: [nameOf(alarm)] } })
  const [found] = answer.MetricAlarms as { StateValue: string }[]
  return found?.StateValue
}
