/** The queue of what EventBridge could not deliver after a day, each with an alarm. */
import { Duration } from 'aws-cdk-lib'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** Makes the queue. Events contain keys and no rows; a KMS key of the app would need a grant for EventBridge in its policy. */
export function makeDeadLetters(scope: Construct): Queue {
  const queue = new Queue(scope, 'DeadLetters', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  })
  acknowledge(queue, 'SQS3', 'it is the dead-letter queue')
  return queue
}

/** Returns the properties of a target whose events go to the queue when all tries have failed. */
export const tried = ({ queueArn: arn }: Queue) => ({
  deadLetterConfig: { arn },
  retryPolicy: { maximumRetryAttempts: 185, maximumEventAgeInSeconds: Duration.hours(24).toSeconds() },
})
