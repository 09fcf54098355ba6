/** The buckets of a pipeline: made safe when they are ours, left as they are but for what we need when they are not. */
import { Annotations, Aspects, CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib'
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

export interface BucketOptions extends OwnBucketProps {
  readonly encryptionKey?: IKey | undefined
  readonly removalPolicy?: RemovalPolicy
}

/** Uploads of batches that were never committed are gone after it; a run resumed later plans them again. */
const abandonedAfter = Duration.days(7)

/** A private, encrypted, versioned bucket that answers over TLS only. */
export function makeBucket(scope: Construct, id: string, options: BucketOptions): Bucket {
  const { encryptionKey, removalPolicy = RemovalPolicy.RETAIN } = options
  const { noncurrentVersionExpiration = Duration.days(30) } = options
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
    // A delete marker without versions below it is left of each deleted object, and listings read all of them.
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

/** Parts that no commit took up cost storage until they are aborted. */
export function abortAbandoned(bucket: IBucket): void {
  if (!(bucket instanceof Bucket)) {
    const mend = 'give this bucket a lifecycle rule that aborts incomplete multipart uploads after 7 days'
    warn(bucket, 'AbandonedUploads', mend)
  } else if (!aborting.has(bucket)) {
    aborting.add(bucket)
    bucket.addLifecycleRule({ id: 'fanmill-abandoned-uploads', abortIncompleteMultipartUploadAfter: abandonedAfter })
  }
}

/** Pipelines may share an output, and S3 refuses two rules of one id. */
const aborting = new WeakSet<Bucket>()

/** Once the app is whole, since what else the bucket tells may be said after the pipeline is made. */
export function sendEvents(bucket: IBucket): void {
  Aspects.of(bucket).add({
    visit: node => {
      if (node === bucket) turnEventsOn(bucket)
    },
  })
}

/** On the L1 bucket, as the L2's way brings a custom resource with it; but where that is there, it puts all or nothing. */
function turnEventsOn(bucket: IBucket): void {
  if (bucket.node.tryFindChild('Notifications')) bucket.enableEventBridgeNotification()
  else if (CfnResource.isCfnResource(bucket.node.defaultChild)) {
    const resource = bucket.node.defaultChild
    resource.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true)
  } else {
    const mend = 'turn EventBridge notifications on for this bucket: without them no upload starts a run'
    warn(bucket, 'EventBridge', mend)
  }
}

/** Of a bucket that is not the app's nothing tells how it is encrypted. */
export function askForKey(bucket: IBucket): void {
  if (bucket.encryptionKey || CfnResource.isCfnResource(bucket.node.defaultChild)) return
  const mend =
    'where this bucket is encrypted with a KMS key, say which: Bucket.fromBucketAttributes(…, { bucketName, encryptionKey }); no role is granted it otherwise'
  warn(bucket, 'EncryptionKey', mend)
}

function warn(bucket: IBucket, id: string, message: string): void {
  Annotations.of(bucket).addWarningV2(`fanmill:${id}`, message)
}
