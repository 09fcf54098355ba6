/** A pipeline on AWS, in anybody's stack: uploads start a state machine that plans, processes in Lambda functions, and commits. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { LambdaEnvironment, Tier } from '../lib/core/lambda-events.ts'
import type { PipelineDefinition } from '../lib/define/definition.ts'
import { bundleAsset, type PipelineBundle } from './bundle-asset.ts'
import { makeGlueTables } from './glue-tables.ts'
import { watch } from './pipeline-alarms.ts'
import { abortAbandoned, makeBucket } from './pipeline-buckets.ts'
import { makeDashboard } from './pipeline-dashboard.ts'
import { functionTimeoutMax, PipelineFunction } from './pipeline-function.ts'
import { PipelineMachine } from './pipeline-machine.ts'
import { tellOutputs } from './pipeline-outputs.ts'
import { checkProps } from './pipeline-props.ts'
import { type Places, placesOf, refuseLoop } from './places.ts'
import { commitStatements, planStatements, processStatements, secretStatements } from './statements.ts'
import { modestTiers } from './tiers.ts'
import { UploadTrigger } from './upload-trigger.ts'

/** Flat; every prop but `entry` has a default. */
export interface FanmillPipelineProps {
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
   * Encrypts the pipeline's own buckets and every object written; all roles are granted what they need of it. Keys of
   * given buckets are granted as well.
   * @default keys that S3 manages
   */
  readonly encryptionKey?: IKey
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
   * Told when an execution fails, or an upload could not be delivered.
   * @default alarms are there, and tell nobody
   */
  readonly alarmsTopic?: ITopic
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
   * What becomes of the pipeline's own buckets when the stack is deleted.
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
  readonly stateMachineArn: string
  readonly plan: PipelineFunction
  /** One a tier. */
  readonly process: readonly PipelineFunction[]
  readonly commit: PipelineFunction
  /** Events that could not be delivered; without a trigger there is none. */
  readonly deadLetterQueue: Queue | undefined

  /** @throws the pipeline's own error when it does not load; DEFINITION_INVALID when its output could start it again */
  constructor(scope: Construct, id: string, props: FanmillPipelineProps) {
    super(scope, id)
    checkProps(props)
    const { dashboard = true, alarmsTopic: topic, glueDatabase } = props
    const bundle = bundleOf(this, props)
    this.input = props.input ?? ownBucket(this, 'Input', props)
    this.output = props.output ?? ownBucket(this, 'Output', props)
    const places = placesIn(this, bundle.pipeline, props)
    abortAbandoned(this.output)
    const functions = makeFunctions(this, { bundle, places, props })
    ;({ plan: this.plan, process: this.process, commit: this.commit } = functions)
    this.stateMachineArn = makeMachine(this, { bundle, places, props }).arn
    this.deadLetterQueue = places.trigger === undefined ? undefined : makeTrigger(this, places.trigger)
    const { name } = bundle.pipeline
    watch(this, { name, stateMachineArn: this.stateMachineArn, deadLetterQueue: this.deadLetterQueue, topic })
    if (dashboard) makeDashboard(this, this, name)
    if (glueDatabase !== undefined)
      makeGlueTables(this, { ...bundle, database: glueDatabase, output: this.output, ...prefixesOf(props) })
    tellOutputs(this, { name, ...prefixesOf(props) })
  }
}

interface Making {
  readonly bundle: PipelineBundle
  readonly places: Places
  readonly props: FanmillPipelineProps
}

const prefixesOf = ({ inputPrefix = '', outputPrefix = '' }: FanmillPipelineProps) => ({ inputPrefix, outputPrefix })

function bundleOf(scope: Construct, props: FanmillPipelineProps): PipelineBundle {
  const { entry, architecture = 'arm64', include = [], external = [], glueDatabase } = props
  return bundleAsset(scope, { entry, architecture, include, external, withSchemas: glueDatabase !== undefined })
}

function ownBucket(
  scope: Construct,
  id: string,
  { encryptionKey, removalPolicy = RemovalPolicy.RETAIN }: FanmillPipelineProps,
): IBucket {
  return makeBucket(scope, id, { encryptionKey, removalPolicy })
}

function placesIn(
  { input, output }: FanmillPipeline,
  pipeline: PipelineDefinition,
  props: FanmillPipelineProps,
): Places {
  const { trigger, ...places } = placesOf(pipeline, prefixesOf(props))
  if (trigger === undefined || props.trigger === false) return places
  if (isSame(input, output)) refuseLoop({ ...places, trigger })
  return { ...places, trigger }
}

/** Also when one of them was found by name. */
function isSame(one: IBucket, other: IBucket): boolean {
  const nameOf = (bucket: IBucket): string => JSON.stringify(Stack.of(bucket).resolve(bucket.bucketName))
  return one === other || nameOf(one) === nameOf(other)
}

function makeFunctions(pipeline: FanmillPipeline, { bundle, places, props }: Making) {
  const {
    tiers = modestTiers,
    memoryMb = 1769,
    architecture = 'arm64',
    functionTimeout: timeout = functionTimeoutMax,
  } = props
  const { logRetention = RetentionDays.ONE_MONTH } = props
  const { name, tasks } = bundle.pipeline
  const { input, output } = pipeline
  const environment = environmentOf(pipeline, { bundle, places, props })
  const common = { code: bundle.code, architecture, timeout, logRetention, keys: keysOf(pipeline, props) }
  const small = { ...common, memoryMb, temporaryStorageMb: 512, threads: 1, environment }
  const where = { places, input, output }
  const secrets = secretStatements(tasks.flatMap(task => Object.values(task.secrets ?? {})))
  const describe = (what: string): string => `Fanmill pipeline ${name}: ${what}`
  return {
    plan: new PipelineFunction(pipeline, 'Plan', {
      ...small,
      handler: 'plan',
      description: describe('plan'),
      statements: planStatements(where),
    }),
    process: tiers.map(
      (tier, index) =>
        new PipelineFunction(pipeline, `Process${index + 1}`, {
          ...{ ...common, ...tier, handler: 'process', description: describe(`process, tier ${index + 1}`) },
          environment: {
            ...environment,
            FANMILL_THREADS: `${tier.threads}`,
            FANMILL_MEMORY_MB: `${tier.memoryMb}`,
            FANMILL_STORAGE_MB: `${tier.temporaryStorageMb}`,
          },
          statements: [...processStatements(where), ...secrets],
        }),
    ),
    commit: new PipelineFunction(pipeline, 'Commit', {
      ...small,
      handler: 'commit',
      description: describe('commit'),
      statements: commitStatements(where),
    }),
  }
}

function environmentOf(
  { input, output }: FanmillPipeline,
  { bundle, props }: Making,
): Readonly<Record<string, string>> {
  const { inputPrefix, outputPrefix } = prefixesOf(props)
  const environment = {
    FANMILL_INPUT_BUCKET: input.bucketName,
    FANMILL_INPUT_PREFIX: inputPrefix,
    FANMILL_OUTPUT_BUCKET: output.bucketName,
    FANMILL_OUTPUT_PREFIX: outputPrefix,
    FANMILL_PIPELINE: bundle.pipeline.name,
    FANMILL_CODE_HASHES: JSON.stringify(bundle.codeHashes),
    FANMILL_TIERS: JSON.stringify(props.tiers ?? modestTiers),
    ...(props.encryptionKey && { FANMILL_KMS_KEY: props.encryptionKey.keyArn }),
  } satisfies LambdaEnvironment
  return environment
}

/** Of given buckets too: what is encrypted by one is read with it. */
function keysOf({ input, output }: FanmillPipeline, { encryptionKey }: FanmillPipelineProps): IKey[] {
  return [...new Set([encryptionKey, input.encryptionKey, output.encryptionKey].filter(key => key !== undefined))]
}

function makeMachine(pipeline: FanmillPipeline, { bundle, places, props }: Making): PipelineMachine {
  const { maxConcurrency = 100, functionTimeout = functionTimeoutMax, executionTimeout = Duration.days(1) } = props
  const { plan, process, commit, output } = pipeline
  return new PipelineMachine(pipeline, 'StateMachine', {
    stages: [bundle.pipeline.tasks.map(task => task.name)],
    maxConcurrency,
    timeoutSeconds: executionTimeout.toSeconds(),
    functionTimeoutSeconds: functionTimeout.toSeconds(),
    plan: plan.function,
    process: process.map(each => each.function),
    commit: commit.function,
    output,
    state: places.state,
    keys: keysOf(pipeline, props),
  })
}

function makeTrigger(pipeline: FanmillPipeline, prefix: string): Queue {
  const { input: bucket, stateMachineArn } = pipeline
  return new UploadTrigger(pipeline, 'Trigger', { bucket, prefix, stateMachineArn }).deadLetterQueue
}
