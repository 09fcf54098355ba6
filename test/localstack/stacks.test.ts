/** That the stacks are all there: LocalStack makes resources of types that it does not know of nothing, in silence. */
import {
  CloudFormationClient,
  DescribeStackEventsCommand,
  GetTemplateCommand,
  type StackEvent,
} from '@aws-sdk/client-cloudformation'
import { beforeAll, describe, expect, it } from 'vitest'
import { pipelineFile, synthesise } from '../infra/stacks.ts'
import { type Deployment, deployment } from './deployment.ts'
import { endpoint } from './environment.ts'

/** What the construct can make and LocalStack cannot, each behind a prop. */
const lacking = ['AWS::CloudWatch::Dashboard', 'AWS::Glue::Table']

describe.skipIf(!endpoint)('the deployed stacks', () => {
  let ours: readonly string[]
  beforeAll(async () => {
    const { flights, visits }: Deployment = await deployment()
    ours = [flights.stack, visits.stack]
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
