/** Uploads start the state machine by a rule, or by a function that reads them from a queue. */
import { Duration } from 'aws-cdk-lib'
import type { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { allowed, shown, synthesise } from './stacks.ts'

const ruleOf = (template: Template) => Object.values(template.findResources('AWS::Events::Rule'))[0]!
const targetOf = (template: Template): string[] =>
  ruleOf(template).Properties.Targets.map(({ Arn }: { Arn: unknown }) => shown(Arn))

describe('uploads', () => {
  it('start the state machine once its role and the role of the rule have their policies', () => {
    const { template } = synthesise()
    expect(targetOf(template)).toEqual([expect.stringMatching(/^<VisitsStateMachine[\dA-F]+>$/)])
    const policies = ruleOf(template).DependsOn.filter((id: string) => /Policy/.test(id))
    expect(policies).toEqual([
      expect.stringMatching(/^VisitsStateMachinePolicy/),
      expect.stringMatching(/^VisitsStateMachineRoleDefaultPolicy|^VisitsTriggerRoleDefaultPolicy/),
    ])
    expect(template.findResources('AWS::Lambda::EventSourceMapping')).toEqual({})
  })

  it("go through a queue with uploads: 'queue', whose function may start the state machine and nothing else", () => {
    const { template, pipeline } = synthesise({ uploads: 'queue', uploadWindow: Duration.seconds(90) })
    expect(targetOf(template)).toEqual([expect.stringMatching(/^<VisitsTriggerUploadsQueue\w+\.Arn>$/)])
    expect(ruleOf(template).Properties.Targets[0]).not.toHaveProperty('RoleArn')
    expect(allowed(template, 'VisitsTriggerUploadsStartRole')).toEqual([
      'logs:CreateLogStream TriggerUploadsStartLog',
      'logs:PutLogEvents TriggerUploadsStartLog',
      'sqs:DeleteMessage TriggerUploadsQueue',
      'sqs:GetQueueAttributes TriggerUploadsQueue',
      'sqs:ReceiveMessage TriggerUploadsQueue',
      'states:StartExecution StateMachine',
    ])
    expect(Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))).toMatchObject([
      {
        Properties: {
          BatchSize: 1000,
          MaximumBatchingWindowInSeconds: 90,
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          ScalingConfig: { MaximumConcurrency: 2 },
        },
      },
    ])
    expect(pipeline.starter).toBeDefined()
    const [group] = Object.values(template.findOutputs('VisitsStartLogGroup'))
    expect(shown(group!.Value)).toMatch(/^<VisitsTriggerUploadsStartLog\w+>$/)
    expect(pipeline.deadLetterQueue).toBeDefined()
  })

  it('reach the queue only through the rule', () => {
    const { template } = synthesise({ uploads: 'queue' })
    const statements = Object.values(template.findResources('AWS::SQS::QueuePolicy')).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement,
    )
    const sending = statements.filter(({ Action, Effect }) => Action === 'sqs:SendMessage' && Effect === 'Allow')
    expect(sending).toHaveLength(2)
    for (const { Condition } of sending)
      expect(shown(Condition.ArnEquals['aws:SourceArn'])).toMatch(/^<VisitsTriggerRule\w+\.Arn>$/)
  })

  it.each([0, 301])('cannot be collected for %i seconds', seconds => {
    expect(() => synthesise({ uploads: 'queue', uploadWindow: Duration.seconds(seconds) })).toThrow(
      `uploadWindow in seconds: expected a whole number from 1 to 300, got ${seconds}`,
    )
  })
})
