/** The buckets of a pipeline: its own are made with safe settings; those of the app get only what a pipeline needs. */
import { Annotations, Aspects, CfnResource, Duration, type RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** Props of the construct for the buckets that it makes. */
export interface OwnBucketProps {
  /**
   * Time that the pipeline's own buckets keep old versions of objects, and objects that were deleted; whole days. Until
   * then a dataset that was replaced by mistake can be restored; longer costs more storage.
   * @default Duration.days(30)
   * @example Duration.days(7)
   */
  readonly noncurrentVersionExpiration?: Duration
}

export interface BucketOptions extends Required<OwnBucketProps> {
  readonly encryptionKey?: IKey | undefined
  readonly removalPolicy: RemovalPolicy
}

/** Age at which uploads of batches that were never committed are aborted; a run resumed later processes these batches again. */
const abandonedAfter = Duration.days(7)

/** Makes a private, encrypted, versioned bucket that answers over TLS only. */
export function makeBucket(scope: Construct, id: string, options: BucketOptions): Bucket {
  const { encryptionKey, removalPolicy, noncurrentVersionExpiration } = options
  const bucket = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    removalPolicy,
    ...(encryptionKey
      ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
      : { encryption: BucketEncryption.S3_MANAGED }),
    // Each deleted object leaves a delete marker, which slows listings down.
    lifecycleRules: [{ id: 'old-versions', noncurrentVersionExpiration, expiredObjectDeleteMarker: true }],
  })
  acknowledge(
    bucket,
    'S1',
    'server access logs are a choice of the account, as CloudTrail data events are: they cost, and need a bucket of their own; give buckets that have them',
  )
  abortAbandoned(bucket)
  return bucket
}

/** Aborts uploads that were never committed, because their parts cost storage. */
export function abortAbandoned(bucket: IBucket): void {
  if (!(bucket instanceof Bucket)) {
    const advice = 'give this bucket a lifecycle rule that aborts incomplete multipart uploads after 7 days'
    warn(bucket, 'AbandonedUploads', advice)
  } else if (!aborting.has(bucket)) {
    aborting.add(bucket)
    bucket.addLifecycleRule({ id: 'fanmill-abandoned-uploads', abortIncompleteMultipartUploadAfter: abandonedAfter })
  }
}

/** Age at which rows that stages exchanged are removed, of runs that were never committed; a run resumed later makes them again. */
const exchangedFor = Duration.days(14)

/** Removes exchanged rows of runs that were never committed; the others are removed by their commit. */
export function expireExchanged(bucket: IBucket, prefix: string | undefined): void {
  if (prefix === undefined) return
  if (!(bucket instanceof Bucket)) {
    warn(
      bucket,
      'AbandonedRows',
      `give this bucket a lifecycle rule that expires objects below ${prefix} after 14 days`,
    )
  } else if (!expiring.get(bucket)?.has(prefix)) {
    const id = `fanmill-abandoned-rows-${(expiring.get(bucket)?.size ?? 0) + 1}`
    expiring.set(bucket, new Set([...(expiring.get(bucket) ?? []), prefix]))
    bucket.addLifecycleRule({ id, prefix, expiration: exchangedFor })
  }
}

/** Prefixes of each bucket that have the rule. */
const expiring = new WeakMap<Bucket, ReadonlySet<string>>()

/** Buckets that have the rule: pipelines may share an output, and S3 refuses two rules with one id. */
const aborting = new WeakSet<Bucket>()

/** Turns events on when the app is complete, because the app may add other notifications after the pipeline. */
export function sendEvents(bucket: IBucket): void {
  Aspects.of(bucket).add({
    visit: node => {
      if (node === bucket) turnEventsOn(bucket)
    },
  })
}

/** Sets the property of the L1 bucket, because the L2's method adds a custom resource; where the app has that already, it must be used. */
function turnEventsOn(bucket: IBucket): void {
  if (bucket.node.tryFindChild('Notifications')) bucket.enableEventBridgeNotification()
  else if (CfnResource.isCfnResource(bucket.node.defaultChild)) {
    const resource = bucket.node.defaultChild
    resource.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true)
  } else {
    const advice = 'turn EventBridge notifications on for this bucket: without them no upload starts a run'
    warn(bucket, 'EventBridge', advice)
  }
}

/** Warns when the key of a bucket of another app is not known. */
export function warnOfUnknownKey(bucket: IBucket): void {
  if (bucket.encryptionKey || CfnResource.isCfnResource(bucket.node.defaultChild)) return
  const advice =
    'where this bucket is encrypted with a KMS key, name the key: Bucket.fromBucketAttributes(…, { bucketName, encryptionKey }); no role is granted it otherwise'
  warn(bucket, 'EncryptionKey', advice)
}

function warn(bucket: IBucket, id: string, message: string): void {
  Annotations.of(bucket).addWarningV2(`fanmill:${id}`, message)
}
