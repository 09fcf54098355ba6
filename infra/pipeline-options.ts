/** The props of the construct, with their defaults. */

import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import { LogLevel } from 'aws-cdk-lib/aws-stepfunctions'
import { defaultPlatform } from '../lib/aws/estimate.ts'
import type { Tier } from '../lib/aws/lambda-events.ts'
import type { NetworkProps } from './function-network.ts'
import type { LogEncryptionProps } from './log-encryption.ts'
import type { AlarmProps } from './pipeline-alarms.ts'
import type { OwnBucketProps } from './pipeline-buckets.ts'
import { functionTimeoutMax } from './pipeline-function.ts'
import type { MachineLogProps } from './pipeline-machine.ts'
import type { ScheduleProps } from './schedule-trigger.ts'
import type { WriteConditionProps } from './write-conditions.ts'

/** Props of the construct; every prop except `entry` has a default. */
export interface FanmillPipelineProps
  extends OwnBucketProps,
    WriteConditionProps,
    NetworkProps,
    LogEncryptionProps,
    MachineLogProps,
    AlarmProps,
    ScheduleProps {
  /** File of the pipeline, from the folder where the app runs. */
  readonly entry: string
  /**
   * Bucket of the inputs; EventBridge notifications are turned on when the app owns it.
   * @default a private, encrypted, versioned bucket of this pipeline's own
   */
  readonly input?: IBucket
  /**
   * Bucket of the outputs and of all state; may be the input bucket.
   * @default a private, encrypted, versioned bucket of this pipeline's own
   */
  readonly output?: IBucket
  /**
   * Prefix of the inputs, ending in a slash; the pipeline's paths are relative to it.
   * @default none
   */
  readonly inputPrefix?: string
  /**
   * Prefix of the outputs, ending in a slash.
   * @default none
   */
  readonly outputPrefix?: string
  /**
   * Encrypts the pipeline's own buckets and every object written; each role is granted the use that it needs. Keys of given
   * buckets are granted as well; for a bucket of another app, give its key with
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
   * Resources of the Process functions, smallest first. A batch that runs out of memory, time or disk is retried on the next tier.
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
   * Batches of one execution that run at the same time, 1 to 10,000.
   * @default 100
   */
  readonly maxConcurrency?: number
  /**
   * Nodes of a graph, which are tasks with their parameters, that one execution runs at the same time, 1 to 500. They share the
   * batches of `maxConcurrency`.
   * @default 20
   * @example 5
   */
  readonly nodeConcurrency?: number
  /**
   * Timeout of each function, 30 seconds to 15 minutes; functions stop by themselves shortly before.
   * @default 15 minutes
   */
  readonly functionTimeout?: Duration
  /**
   * Timeout of a whole execution.
   * @default 1 day
   */
  readonly executionTimeout?: Duration
  /**
   * Time that logs are kept.
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
   * @default true when the pipeline has a trigger
   */
  readonly trigger?: boolean
  /**
   * `'each'`: every upload starts an execution. `'queue'`: one execution starts for all uploads with the same parameters within
   * `uploadWindow`, which is cheaper for many small uploads, where most executions would find nothing to do.
   * @default 'each'
   */
  readonly uploads?: 'each' | 'queue'
  /**
   * Time that uploads are collected with `uploads: 'queue'`, 1 to 300 seconds.
   * @default 60 seconds
   */
  readonly uploadWindow?: Duration
  /**
   * Removal policy of the pipeline's own buckets when the stack is deleted. `DESTROY` does not empty them, and a bucket with
   * objects or old versions of objects cannot be deleted.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
  /**
   * Globs, from the entry's folder, of files that `ctx.file()` reads.
   * @default none
   */
  readonly include?: readonly string[]
  /**
   * Installed packages that are copied instead of bundled: those with native parts.
   * @default none
   */
  readonly external?: readonly string[]
  /**
   * Whether `fanmill start --ship` may run edited code in the functions without a deployment: for accounts in which a pipeline is
   * developed. Whoever may start executions and write objects below the state can then run code with the roles of the functions.
   * @default false
   * @example true
   */
  readonly allowShip?: boolean
  /**
   * Encrypts the environment variables of the functions, which hold names of buckets and of secrets, and no values of secrets.
   * @default the key that Lambda manages
   * @example new Key(this, 'EnvironmentKey', { enableKeyRotation: true })
   */
  readonly environmentEncryptionKey?: IKey
  /**
   * Concurrent invocations reserved for Process, by tier in the order of `tiers`. A reservation bounds all executions of the pipeline
   * together, whereas `maxConcurrency` bounds one. It is taken from the concurrency of the account: Lambda refuses it when fewer than
   * 100 unreserved invocations would be left, so that an account with a limit of 100 or less cannot have any.
   * @default none: Process shares what the account has
   * @example [50, 10]
   */
  readonly reservedConcurrency?: readonly (number | undefined)[]
}

/** The props with every default filled in. */
export type PipelineProps = ReturnType<typeof withDefaults>

/** Fills in the defaults. */
export function withDefaults({
  inputPrefix = '',
  outputPrefix = '',
  tiers = defaultPlatform.tiers,
  memoryMb = defaultPlatform.memoryMb,
  architecture = defaultPlatform.architecture,
  maxConcurrency = defaultPlatform.maxConcurrency,
  nodeConcurrency = 20,
  functionTimeout = functionTimeoutMax,
  executionTimeout = Duration.days(1),
  logRetention = RetentionDays.ONE_MONTH,
  stateMachineLogLevel = LogLevel.OFF,
  tracing = false,
  dashboard = true,
  trigger = true,
  uploads = 'each',
  uploadWindow = Duration.seconds(60),
  enforceConditionalWrites = false,
  noncurrentVersionExpiration = Duration.days(30),
  removalPolicy = RemovalPolicy.RETAIN,
  include = [],
  external = [],
  allowShip = false,
  ...rest
}: FanmillPipelineProps) {
  return {
    ...rest,
    ...{ inputPrefix, outputPrefix, tiers, memoryMb, architecture, maxConcurrency, nodeConcurrency },
    ...{
      functionTimeout,
      executionTimeout,
      logRetention,
      stateMachineLogLevel,
      tracing,
      dashboard,
      trigger,
      uploads,
      uploadWindow,
    },
    ...{ enforceConditionalWrites, noncurrentVersionExpiration, removalPolicy, include, external, allowShip },
  }
}
