/** `uploads: 'queue'`: events are collected in a queue, and a function starts one execution for all events with the same parameters. */
import { Duration } from 'aws-cdk-lib'
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda'
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { PipelineFunction, type PipelineFunctionProps } from './pipeline-function.ts'
import { allow } from './statements.ts'

export interface UploadQueueProps extends Omit<PipelineFunctionProps, 'handler' | 'statements' | 'timeout'> {
  readonly stateMachineArn: string
  /** Time that events are collected before an execution starts for them. */
  readonly window: Duration
  /** Receives messages for which no execution could be started. */
  readonly deadLetterQueue: IQueue
}

/** Enough to read a thousand events and to start an execution for each set of parameters. */
const starterTimeout = Duration.minutes(2)
/** Messages for one invocation: each has about a kilobyte, and an invocation takes at most six megabytes. */
const batchSize = 1000
/** Invocations at once, so that a burst of uploads leaves the account's concurrency to the batches. */
const startersMax = 2
/** Tries before a message goes to the dead-letter queue. */
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
      // AWS advises six times the timeout of the function, and the window.
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
