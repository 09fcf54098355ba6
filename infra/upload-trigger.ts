/** Uploads start the pipeline: a rule with the whole event as input; what it cannot deliver waits in a queue, with an alarm. */
import { Duration } from 'aws-cdk-lib'
import { CfnRule } from 'aws-cdk-lib/aws-events'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import { sendEvents } from './pipeline-buckets.ts'
import { allow } from './statements.ts'

export interface UploadTriggerProps {
  readonly bucket: IBucket
  /** Of keys; the Plan step matches the whole template. */
  readonly prefix: string
  readonly stateMachineArn: string
}

export class UploadTrigger extends Construct {
  readonly deadLetterQueue: Queue
  readonly ruleName: string

  constructor(scope: Construct, id: string, { bucket, prefix, stateMachineArn }: UploadTriggerProps) {
    super(scope, id)
    sendEvents(bucket)
    // Events hold keys and no rows. A key of one's own would need a grant for EventBridge in its policy.
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    acknowledge(this.deadLetterQueue, 'SQS3', 'it is the dead-letter queue')
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('events.amazonaws.com') })
    role.addToPolicy(allow(['states:StartExecution'], [stateMachineArn]))
    const rule = new CfnRule(this, 'Rule', {
      eventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [bucket.bucketName] }, ...(prefix !== '' && { object: { key: [{ prefix }] } }) },
      },
      targets: [
        {
          id: 'state-machine',
          arn: stateMachineArn,
          roleArn: role.roleArn,
          deadLetterConfig: { arn: this.deadLetterQueue.queueArn },
          retryPolicy: { maximumRetryAttempts: 185, maximumEventAgeInSeconds: Duration.hours(24).toSeconds() },
        },
      ],
    })
    this.ruleName = rule.ref
    this.deadLetterQueue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.deadLetterQueue.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': rule.attrArn } },
      }),
    )
  }
}
