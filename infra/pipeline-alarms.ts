/** Alarms of a pipeline: an execution failed or took too long, or an upload could not be delivered. */
import { Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, type IAlarmAction, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'

export interface AlarmOptions {
  readonly name: string
  readonly stateMachineArn: string
  readonly deadLetterQueue?: Queue | undefined
  readonly topic?: ITopic | undefined
}

export function watch(scope: Construct, { name, stateMachineArn, deadLetterQueue, topic }: AlarmOptions): Alarm[] {
  const make = (id: string, metric: Metric, alarmDescription: string): Alarm => {
    const alarm = new Alarm(scope, id, { ...once, metric, alarmDescription })
    if (topic) alarm.addAlarmAction({ bind: () => ({ alarmActionArn: topic.topicArn }) } satisfies IAlarmAction)
    return alarm
  }
  const failed = make(
    'FailedAlarm',
    executionMetric('ExecutionsFailed', stateMachineArn),
    `Fanmill pipeline ${name}: an execution failed; its cause names task and batches`,
  )
  const late = make(
    'TimedOutAlarm',
    executionMetric('ExecutionsTimedOut', stateMachineArn),
    `Fanmill pipeline ${name}: an execution was ended at its time limit; fanmill retry goes on with what it left`,
  )
  if (!deadLetterQueue) return [failed, late]
  const waiting = deadLetterQueue.metricApproximateNumberOfMessagesVisible({
    period: Duration.minutes(1),
    statistic: 'Maximum',
  })
  return [
    failed,
    late,
    make(
      'UndeliveredAlarm',
      waiting,
      `Fanmill pipeline ${name}: an upload did not start a run; its event waits in ${deadLetterQueue.queueName}`,
    ),
  ]
}

/** A metric of Step Functions for this machine, summed over five minutes, in the account and region of whoever reads it. */
export function executionMetric(metricName: string, stateMachineArn: string, statistic = 'Sum'): Metric {
  return new Metric({
    namespace: 'AWS/States',
    metricName,
    dimensionsMap: { StateMachineArn: stateMachineArn },
    statistic,
    period: Duration.minutes(5),
  })
}

const once = {
  threshold: 1,
  evaluationPeriods: 1,
  comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  treatMissingData: TreatMissingData.NOT_BREACHING,
} as const
