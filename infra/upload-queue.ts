/** `uploads: 'queue'`: events wait in a queue for others of the same parameters, and a function starts one execution for all of them. */
import { Duration } from 'aws-cdk-lib'
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { PipelineFunction, type PipelineFunctionProps } from './pipeline-function.ts'
import { allow } from './statements.ts'

export interface UploadQueueProps extends Omit<PipelineFunctionProps, 'handler' | 'statements' | 'timeout'> {
  readonly stateMachineArn: string
  /** How long events are collected before an execution is started for them. */
  readonly window: Duration
  /** Where messages go that could not be worked on. */
  readonly deadLetterQueue: IQueue
}

/** It reads a thousand events and starts some executions. */
const starterTimeout = Duration.minutes(2)
/** As many as an invocation may take: an event has about a kilobyte, and six megabytes are the most. */
const batchSize = 1000
/** At most two at once, so that bursts of uploads leave the account's concurrency to the batches. */
const startersMax = 2
const receivesMax = 10

export class UploadQueue extends Construct {
  readonly queue: Queue
  readonly starter: PipelineFunction

  constructor(scope: Construct, id: string, { stateMachineArn, window, deadLetterQueue, ...given }: UploadQueueProps) {
    super(scope, id)
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(4),
      // As AWS advises: six times the function's, and the window.
      visibilityTimeout: Duration.seconds(6 * starterTimeout.toSeconds() + window.toSeconds()),
      deadLetterQueue: { queue: deadLetterQueue, maxReceiveCount: receivesMax },
    })
    this.starter = new PipelineFunction(this, 'Start', {
      ...given,
      handler: 'start',
      timeout: starterTimeout,
      environment: { ...given.environment, FANMILL_STATE_MACHINE: stateMachineArn },
      statements: [
        allow(['states:StartExecution'], [stateMachineArn]),
        allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [this.queue.queueArn]),
      ],
    })
    const mapping = new CfnEventSourceMapping(this, 'Mapping', {
      eventSourceArn: this.queue.queueArn,
      functionName: this.starter.function.functionArn,
      batchSize,
      maximumBatchingWindowInSeconds: Math.max(1, window.toSeconds()),
      functionResponseTypes: ['ReportBatchItemFailures'],
      scalingConfig: { maximumConcurrency: startersMax },
    })
    mapping.node.addDependency(this.starter.role)
  }
}
