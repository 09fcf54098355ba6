/** A pipeline on AWS, in anybody's stack: uploads start a state machine that plans, processes in Lambda functions, and commits. */
import { Duration, type RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { LogLevel, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Tier } from '../lib/aws/lambda-events.ts'
import type { PipelineDefinition } from '../lib/define/definition.ts'
import { checkBucketPlaces } from './bucket-places.ts'
import { bundleAsset, type PipelineBundle } from './bundle-asset.ts'
import { makeNetwork, type NetworkProps } from './function-network.ts'
import { makeGlueTables } from './glue-tables.ts'
import { allowLogs, type LogEncryptionProps } from './log-encryption.ts'
import { type AlarmProps, makeAlarms } from './pipeline-alarms.ts'
import { abortAbandoned, makeBucket, type OwnBucketProps } from './pipeline-buckets.ts'
import { makeDashboard } from './pipeline-dashboard.ts'
import { functionTimeoutMax, type PipelineFunction } from './pipeline-function.ts'
import {
  type FunctionAccountProps,
  type Making,
  makeFunctions,
  prefixesOf,
  starterProps,
} from './pipeline-functions.ts'
import { pipelineKeys } from './pipeline-keys.ts'
import { type MachineLogProps, PipelineMachine } from './pipeline-machine.ts'
import { tellOutputs } from './pipeline-outputs.ts'
import { checkProps } from './pipeline-props.ts'
import { type Places, placesOf, refuseLoop } from './places.ts'
import { isSameBucket } from './same-bucket.ts'
import { UploadQueue } from './upload-queue.ts'
import { UploadTrigger } from './upload-trigger.ts'
import type { WriteConditionProps } from './write-conditions.ts'

/** Flat; every prop but `entry` has a default. */
export interface FanmillPipelineProps
  extends OwnBucketProps,
    WriteConditionProps,
    NetworkProps,
    LogEncryptionProps,
    MachineLogProps,
    FunctionAccountProps,
    AlarmProps {
  /** File of the pipeline, from the folder where the app runs. */
  readonly entry: string
  /**
   * Bucket of the inputs; EventBridge notifications are turned on when the app owns it.
   * @default a private, encrypted, versioned bucket of this pipeline's own
   */
  readonly input?: IBucket
  /**
   * Bucket of the outputs and of all state; may be the inputs'.
   * @default a private, encrypted, versioned bucket of this pipeline's own
   */
  readonly output?: IBucket
  /**
   * Prefix of the inputs, ending in a slash: what the pipeline's paths are below.
   * @default none
   */
  readonly inputPrefix?: string
  /**
   * Prefix of the outputs, ending in a slash.
   * @default none
   */
  readonly outputPrefix?: string
  /**
   * Encrypts the pipeline's own buckets and every object written; each role is granted what it needs of it. Keys of
   * given buckets are granted as well: of buckets that are not the app's, give them as
   * `Bucket.fromBucketAttributes(…, { bucketName, encryptionKey })`.
   * @default keys that S3 manages
   */
  readonly encryptionKey?: IKey
  /**
   * Secrets of the app by the names that the pipeline knows them by: those with an encryption key of their own, with
   * another name, or of another account. Process may read them, and decrypt with their keys.
   * @default each is found by its name in this account, encrypted with the key that AWS manages
   */
  readonly secrets?: Readonly<Record<string, ISecret>>
  /**
   * What Process functions have, smallest first: a batch that is out of memory, time or disk goes to the next.
   * @default modestTiers: two of 3,008 MB, with two threads and with one
   */
  readonly tiers?: readonly Tier[]
  /**
   * Memory of Plan and of Commit, in MB.
   * @default 1769: one vCPU
   */
  readonly memoryMb?: number
  /**
   * Instruction set of the functions; the engine's binding for it is fetched when this machine has another.
   * @default 'arm64'
   */
  readonly architecture?: 'arm64' | 'x86_64'
  /**
   * Batches at once.
   * @default 100
   */
  readonly maxConcurrency?: number
  /**
   * Of one function, at most 15 minutes; each stops by itself before.
   * @default 15 minutes
   */
  readonly functionTimeout?: Duration
  /**
   * Of a whole execution.
   * @default 1 day
   */
  readonly executionTimeout?: Duration
  /**
   * How long logs are kept.
   * @default one month
   */
  readonly logRetention?: RetentionDays
  /**
   * A CloudWatch dashboard of executions, batches, times and errors.
   * @default true
   */
  readonly dashboard?: boolean
  /**
   * Name of a Glue database in which each dataset becomes a table for Athena, its partitions projected.
   * @default no tables
   */
  readonly glueDatabase?: string
  /**
   * Whether uploads start the pipeline.
   * @default true when the pipeline says which
   */
  readonly trigger?: boolean
  /**
   * What an upload starts: an execution of its own, or with `'queue'` one for all uploads of the same parameters within
   * `uploadWindow`. The queue is for many small uploads, each of which would cost an execution that finds nothing to do.
   * @default 'each'
   */
  readonly uploads?: 'each' | 'queue'
  /**
   * How long uploads are collected with `uploads: 'queue'`, 1 to 300 seconds.
   * @default 60 seconds
   */
  readonly uploadWindow?: Duration
  /**
   * What becomes of the pipeline's own buckets when the stack is deleted. `DESTROY` does not empty them, and a bucket
   * with objects, or old versions of them, cannot be deleted.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
  /**
   * Globs, from the entry's folder, of files that `ctx.file()` reads.
   * @default none
   */
  readonly include?: readonly string[]
  /**
   * Installed packages that are shipped as they are instead of bundled: those with native parts.
   * @default none
   */
  readonly external?: readonly string[]
}

/**
 * @example
 * new FanmillPipeline(this, 'Flights', { entry: 'pipelines/flights.ts', input: bucket, output: bucket, outputPrefix: 'lake/' })
 */
export class FanmillPipeline extends Construct {
  readonly input: IBucket
  readonly output: IBucket
  /** The state machine, for grants, rules and metrics of your own. */
  readonly stateMachine: StateMachine
  readonly stateMachineArn: string
  readonly plan: PipelineFunction
  /** One a tier. */
  readonly process: readonly PipelineFunction[]
  readonly commit: PipelineFunction
  /** Starts executions for events in the queue, with `uploads: 'queue'`. */
  readonly starter: PipelineFunction | undefined
  /** Events that could not be delivered; without a trigger there is none. */
  readonly deadLetterQueue: Queue | undefined

  /** @throws the pipeline's own error when it does not load, or when its SQL is wrong; DEFINITION_INVALID when its output could start it again */
  constructor(scope: Construct, id: string, props: FanmillPipelineProps) {
    super(scope, id)
    checkProps(props)
    const { dashboard = true, glueDatabase, logEncryptionKey } = props
    if (logEncryptionKey) allowLogs(this, logEncryptionKey)
    const bundle = bundleOf(this, props)
    this.input = props.input ?? makeBucket(this, 'Input', props)
    this.output = props.output ?? makeBucket(this, 'Output', props)
    checkBucketPlaces(this, { input: this.input, output: this.output, encryptionKey: props.encryptionKey })
    const places = placesIn(this, bundle.pipeline, props)
    abortAbandoned(this.output)
    const keys = pipelineKeys({ input: this.input, output: this.output, encryptionKey: props.encryptionKey })
    const making = { bundle, places, keys, network: makeNetwork(this, props), props }
    const functions = makeFunctions(this, making)
    ;({ plan: this.plan, process: this.process, commit: this.commit } = functions)
    this.stateMachine = makeMachine(this, making).stateMachine
    this.stateMachineArn = this.stateMachine.stateMachineArn
    const trigger = places.trigger === undefined ? undefined : makeTrigger(this, making)
    this.deadLetterQueue = trigger?.deadLetterQueue
    this.starter = trigger?.queue?.starter
    const { name } = bundle.pipeline
    makeAlarms(this, { ...props, name, stateMachineArn: this.stateMachineArn, functions: functionsOf(this), trigger })
    if (dashboard) makeDashboard(this, this, name)
    if (glueDatabase !== undefined)
      makeGlueTables(this, { ...bundle, database: glueDatabase, output: this.output, ...prefixesOf(props) })
    tellOutputs(this, { name, ...prefixesOf(props) })
  }
}

function bundleOf(scope: Construct, props: FanmillPipelineProps): PipelineBundle {
  const { entry, architecture = 'arm64', include = [], external = [], glueDatabase } = props
  return bundleAsset(scope, { entry, architecture, include, external, withSchemas: glueDatabase !== undefined })
}

function placesIn(
  { input, output }: FanmillPipeline,
  pipeline: PipelineDefinition,
  props: FanmillPipelineProps,
): Places {
  const { trigger, ...places } = placesOf(pipeline, prefixesOf(props))
  if (trigger === undefined || props.trigger === false) return places
  if (isSameBucket(input, output)) refuseLoop({ ...places, trigger })
  return { ...places, trigger }
}

function makeMachine(pipeline: FanmillPipeline, { bundle, places, keys, props }: Making): PipelineMachine {
  const { maxConcurrency = 100, functionTimeout = functionTimeoutMax, executionTimeout = Duration.days(1) } = props
  const { plan, process, commit, output } = pipeline
  const { logRetention = RetentionDays.ONE_MONTH } = props
  return new PipelineMachine(pipeline, 'StateMachine', {
    ...{ stateMachineLogLevel: props.stateMachineLogLevel ?? LogLevel.OFF, tracing: props.tracing ?? false },
    ...{ logRetention, logEncryptionKey: props.logEncryptionKey },
    stages: [bundle.pipeline.tasks.map(task => task.name)],
    maxConcurrency,
    timeoutSeconds: executionTimeout.toSeconds(),
    functionTimeoutSeconds: functionTimeout.toSeconds(),
    plan: plan.function,
    process: process.map(each => each.function),
    commit: commit.function,
    output,
    state: places.state,
    outputKeys: keys.outputKeys,
  })
}

const functionsOf = ({ plan, process, commit, starter }: FanmillPipeline) =>
  [plan, ...process, commit, ...(starter ? [starter] : [])].map(each => each.function)

function makeTrigger(pipeline: FanmillPipeline, making: Making): UploadTrigger {
  const { input: bucket, stateMachineArn } = pipeline
  const { uploads = 'each', uploadWindow: window = Duration.seconds(60) } = making.props
  const common = starterProps(pipeline, making)
  const makeQueue = (scope: Construct, deadLetterQueue: Queue) =>
    new UploadQueue(scope, 'Uploads', { ...common, stateMachineArn, window, deadLetterQueue })
  const trigger = new UploadTrigger(pipeline, 'Trigger', {
    ...{ bucket, filter: making.places.triggerFilter, stateMachineArn },
    ...(uploads === 'queue' && { makeQueue }),
  })
  // The role of an execution has its policy before the first upload starts one.
  trigger.node.addDependency(pipeline.node.findChild('StateMachine'))
  return trigger
}
