/** The rule by which uploads start the pipeline, with the whole event as input. Events that it cannot deliver go to a queue with an alarm. */
import { CfnRule } from 'aws-cdk-lib/aws-events'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { KeyFilter } from '../lib/aws/key-wildcard.ts'
import { makeDeadLetters, tried } from './dead-letters.ts'
import { sendEvents } from './pipeline-buckets.ts'
import { allow } from './statements.ts'
import type { UploadQueue } from './upload-queue.ts'

export interface UploadTriggerProps {
  readonly bucket: IBucket
  /** Passes every key that may match the trigger's template, which Plan compares exactly; default every key. */
  readonly filter?: KeyFilter | undefined
  readonly stateMachineArn: string
  /** Makes a queue that receives the events instead of the state machine, with a function that starts executions. */
  readonly makeQueue?: ((scope: Construct, deadLetterQueue: Queue) => UploadQueue) | undefined
}

export class UploadTrigger extends Construct {
  readonly deadLetterQueue: Queue
  readonly ruleName: string
  readonly queue: UploadQueue | undefined

  constructor(scope: Construct, id: string, { bucket, filter, stateMachineArn, makeQueue }: UploadTriggerProps) {
    super(scope, id)
    sendEvents(bucket)
    this.deadLetterQueue = makeDeadLetters(this)
    this.queue = makeQueue?.(this, this.deadLetterQueue)
    const role = this.queue ? undefined : starterRole(this, stateMachineArn)
    const rule = new CfnRule(this, 'Rule', {
      eventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [bucket.bucketName] }, object: filter && { key: [filter] } },
      },
      targets: [
        {
          ...(this.queue
            ? { id: 'queue', arn: this.queue.queue.queueArn }
            : { id: 'state-machine', arn: stateMachineArn, roleArn: role?.roleArn }),
          ...tried(this.deadLetterQueue),
        },
      ],
    })
    this.ruleName = rule.ref
    // Otherwise an upload during the deployment could be refused.
    if (role) rule.node.addDependency(role)
    for (const queue of [this.deadLetterQueue, ...(this.queue ? [this.queue.queue] : [])])
      queue.addToResourcePolicy(allowSending(rule, queue))
  }
}

function starterRole(scope: Construct, stateMachineArn: string): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('events.amazonaws.com') })
  role.addToPolicy(allow(['states:StartExecution'], [stateMachineArn]))
  return role
}

function allowSending(rule: CfnRule, { queueArn }: Queue): PolicyStatement {
  return new PolicyStatement({
    principals: [new ServicePrincipal('events.amazonaws.com')],
    actions: ['sqs:SendMessage'],
    resources: [queueArn],
    conditions: { ArnEquals: { 'aws:SourceArn': rule.attrArn } },
  })
}
