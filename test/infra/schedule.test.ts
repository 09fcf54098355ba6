/** The schedule of a pipeline in its template. */
import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { cron } from '../../lib/index.ts'
import { pipelineFile, statementsOf, synthesise } from './stacks.ts'

const props = { entry: pipelineFile('scheduled.ts'), include: [] } as const

describe('the schedule of a pipeline', () => {
  it('starts the state machine with the scheduled time, in the time zone of the schedule', () => {
    const { template } = synthesise(props)
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 6 1 * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: Match.objectLike({
        Input: '{"schedule":{"time":"<aws.scheduler.scheduled-time>"}}',
        DeadLetterConfig: Match.anyValue(),
      }),
    })
    expect(statementsOf(template, 'VisitsScheduleRole').flatMap(({ Action }) => Action)).toEqual([
      'states:StartExecution',
      'sqs:SendMessage',
    ])
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ApproximateNumberOfMessagesVisible' })
  })

  it('may have another expression in one stack, or be turned off there', () => {
    const { template } = synthesise({ ...props, schedule: cron('30 4 * * ? *', { timezone: 'UTC' }) })
    template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'cron(30 4 * * ? *)' })
    synthesise({ ...props, schedule: false }).template.resourceCountIs('AWS::Scheduler::Schedule', 0)
    synthesise().template.resourceCountIs('AWS::Scheduler::Schedule', 0)
  })

  it('refuses a prop with parameters, and one for a pipeline without a schedule', () => {
    const withParams = cron('0 6 * * ? *', { params: { month: '2001-01' } })
    expect(() => synthesise({ ...props, schedule: withParams })).toThrow(
      'schedule: expected an expression and a time zone',
    )
    expect(() => synthesise({ schedule: cron('0 6 * * ? *') })).toThrow('expected a pipeline with a schedule')
  })
})
