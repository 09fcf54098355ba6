/** Alarms of a pipeline: executions that fail, functions that wait for concurrency, and uploads that start nothing. */
import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  type AlarmProps as CdkAlarmProps,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import type { ScheduleTrigger } from './schedule-trigger.ts'
import type { UploadTrigger } from './upload-trigger.ts'

/** Props of the construct for its alarms. */
export interface AlarmProps {
  /**
   * Topic that is notified when an execution fails, times out or is aborted, functions are throttled for long, or an upload
   * could not be delivered.
   * @default the alarms exist, and notify nobody
   */
  readonly alarmsTopic?: ITopic
  /**
   * Time after which an alarm goes off when no execution has succeeded; whole hours, at most 7 days.
   * @default no such alarm
   * @example Duration.hours(26)
   */
  readonly noRunAlarmAfter?: Duration
}

export interface AlarmOptions extends AlarmProps {
  readonly name: string
  readonly stateMachineArn: string
  readonly functions: readonly IFunction[]
  readonly trigger?: UploadTrigger | undefined
  readonly schedule?: ScheduleTrigger | undefined
}

/** Makes the alarms, each with a description that says what to do. */
export function makeAlarms(scope: Construct, options: AlarmOptions): void {
  const { name, alarmsTopic: topic } = options
  for (const { id, description, ...props } of [
    ...makeExecutionAlarms(options),
    makeThrottleAlarm(options),
    ...makeTriggerAlarms(options),
    ...makeScheduleAlarms(options),
    ...makeNoRunAlarms(options),
  ]) {
    const alarm = new Alarm(scope, id, {
      ...once,
      ...props,
      alarmDescription: `Fanmill pipeline ${name}: ${description}`,
    })
    if (topic) alarm.addAlarmAction({ bind: () => ({ alarmActionArn: topic.topicArn }) } satisfies IAlarmAction)
  }
}

/** Returns a metric of this state machine over five minutes, in the account and region of the stack that reads it. */
export function executionMetric(metricName: string, stateMachineArn: string, statistic = 'Sum'): Metric {
  return new Metric({
    namespace: 'AWS/States',
    metricName,
    dimensionsMap: { StateMachineArn: stateMachineArn },
    statistic,
    period: Duration.minutes(5),
  })
}

interface AlarmSpec extends Partial<CdkAlarmProps> {
  readonly id: string
  readonly metric: IMetric
  readonly description: string
}

const once = {
  threshold: 1,
  evaluationPeriods: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  treatMissingData: TreatMissingData.NOT_BREACHING,
} as const

function makeExecutionAlarms({ stateMachineArn }: AlarmOptions): AlarmSpec[] {
  const spec = (id: string, metricName: string, description: string): AlarmSpec => {
    return { id, metric: executionMetric(metricName, stateMachineArn), description }
  }
  return [
    spec('FailedAlarm', 'ExecutionsFailed', 'an execution failed; its cause names task and batches'),
    spec(
      'TimedOutAlarm',
      'ExecutionsTimedOut',
      'an execution was ended at its time limit; fanmill retry continues what it left',
    ),
    spec('AbortedAlarm', 'ExecutionsAborted', 'an execution was stopped by hand; fanmill retry continues what it left'),
  ]
}

/** Alarms only when throttling lasts, because a throttled invocation is tried again. */
function makeThrottleAlarm({ functions }: AlarmOptions): AlarmSpec {
  const period = Duration.minutes(5)
  const metrics = functions.slice(0, alarmMetricsMax).map(each => each.metricThrottles({ period, statistic: 'Sum' }))
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`throttles${index}`, metric]))
  return {
    id: 'ThrottledAlarm',
    metric: new MathExpression({ expression: 'SUM(METRICS())', label: 'Throttles', usingMetrics, period }),
    evaluationPeriods: 3,
    description:
      'functions were throttled for 15 minutes; lower maxConcurrency, or ask AWS for more concurrent executions',
  }
}

/** Limit of CloudWatch for one alarm. */
const alarmMetricsMax = 10

function makeTriggerAlarms({ trigger }: AlarmOptions): AlarmSpec[] {
  if (!trigger) return []
  const { deadLetterQueue: queue, ruleName } = trigger
  const period = Duration.minutes(1)
  return [
    {
      id: 'UndeliveredAlarm',
      metric: queue.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
      description: `an upload did not start a run; its event waits in ${queue.queueName}`,
    },
    {
      id: 'LostEventAlarm',
      metric: new Metric({
        ...{ namespace: 'AWS/Events', metricName: 'InvocationsFailedToBeSentToDlq', statistic: 'Sum', period },
        dimensionsMap: { RuleName: ruleName },
      }),
      description: 'an upload did not start a run, and its event is lost; start one by hand with fanmill start',
    },
  ]
}

function makeScheduleAlarms({ schedule }: AlarmOptions): AlarmSpec[] {
  if (!schedule) return []
  const { deadLetterQueue: queue } = schedule
  return [
    {
      id: 'UnscheduledAlarm',
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: 'Maximum' }),
      description: `a scheduled run was not started; its time waits in ${queue.queueName}`,
    },
  ]
}

function makeNoRunAlarms({ stateMachineArn, noRunAlarmAfter }: AlarmOptions): AlarmSpec[] {
  if (!noRunAlarmAfter) return []
  const hours = noRunAlarmAfter.toHours()
  return [
    {
      id: 'NoRunAlarm',
      metric: executionMetric('ExecutionsSucceeded', stateMachineArn).with({ period: Duration.hours(1) }),
      evaluationPeriods: hours,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      description: `no execution succeeded for ${hours} hours; check that uploads arrive`,
    },
  ]
}
