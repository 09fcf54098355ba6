/** The schedule by which EventBridge Scheduler starts the pipeline. Runs that it cannot start go to a queue with an alarm. */
import { Aws } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { scheduledInput } from '../lib/aws/lambda-events.ts'
import type { ScheduleDefinition } from '../lib/define/params/schedule-definition.ts'
import { makeDeadLetters, tried } from './dead-letters.ts'
import { invalidProp } from './invalid-prop.ts'
import { allow } from './statements.ts'

/** Prop of the construct for the schedule. */
export interface ScheduleProps {
  /**
   * When the pipeline starts by itself: another expression and time zone than the pipeline's own `schedule`, whose parameters stay, or
   * `false` for never.
   * @default the schedule of the pipeline, if it has one
   * @example cron('0 6 * * ? *', { timezone: 'Europe/Berlin' })
   */
  readonly schedule?: ScheduleDefinition | false
}

/** Returns when the pipeline starts. @throws DEFINITION_INVALID for a prop with parameters, or without a schedule of the pipeline */
export function chooseSchedule(
  own: ScheduleDefinition | undefined,
  given: ScheduleProps['schedule'],
): Pick<ScheduleDefinition, 'expression' | 'timezone'> | undefined {
  if (given === false) return undefined
  if (!given) return own
  if (Object.keys(given.params).length > 0)
    throw invalidProp(
      'schedule',
      'an expression and a time zone alone, because parameters are evaluated where the pipeline runs, got params; put them into the schedule of the pipeline',
    )
  if (!own)
    throw invalidProp(
      'schedule',
      'a pipeline with a schedule, whose parameters it has, got one without; add cron(…) to the pipeline',
    )
  return given
}

export interface ScheduleTriggerProps extends Pick<ScheduleDefinition, 'expression' | 'timezone'> {
  readonly stateMachineArn: string
}

export class ScheduleTrigger extends Construct {
  readonly deadLetterQueue: Queue

  constructor(scope: Construct, id: string, { expression, timezone, stateMachineArn }: ScheduleTriggerProps) {
    super(scope, id)
    this.deadLetterQueue = makeDeadLetters(this)
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    })
    role.addToPolicy(allow(['states:StartExecution'], [stateMachineArn]))
    role.addToPolicy(allow(['sqs:SendMessage'], [this.deadLetterQueue.queueArn]))
    const schedule = new CfnSchedule(this, 'Schedule', {
      scheduleExpression: `cron(${expression})`,
      scheduleExpressionTimezone: timezone,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: stateMachineArn,
        roleArn: role.roleArn,
        input: JSON.stringify(scheduledInput),
        ...tried(this.deadLetterQueue),
      },
    })
    // Otherwise a time during the deployment could be refused.
    schedule.node.addDependency(role)
  }
}
