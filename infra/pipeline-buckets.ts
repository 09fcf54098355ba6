/** The buckets of a pipeline: made safe when they are ours, left as they are but for what we need when they are not. */
import { Annotations, CfnResource, Duration, type RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

export interface BucketOptions {
  readonly encryptionKey?: IKey | undefined
  readonly removalPolicy: RemovalPolicy
}

/** Uploads of batches that were never committed are gone after it; a run resumed later plans them again. */
const abandonedAfter = Duration.days(7)
const oldVersionsAfter = Duration.days(30)

/** A private, encrypted, versioned bucket that answers over TLS only. */
export function makeBucket(scope: Construct, id: string, { encryptionKey, removalPolicy }: BucketOptions): Bucket {
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
    lifecycleRules: [{ id: 'old-versions', noncurrentVersionExpiration: oldVersionsAfter }],
  })
  acknowledge(
    bucket,
    'S1',
    'server access logs are a choice of the account, as CloudTrail data events are: they cost, and need a bucket of their own; give buckets that have them',
  )
  return bucket
}

/** Parts that no commit took up cost storage until they are aborted. */
export function abortAbandoned(bucket: IBucket): void {
  if (bucket instanceof Bucket) {
    bucket.addLifecycleRule({ id: 'fanmill-abandoned-uploads', abortIncompleteMultipartUploadAfter: abandonedAfter })
    return
  }
  warn(
    bucket,
    'AbandonedUploads',
    'give this bucket a lifecycle rule that aborts incomplete multipart uploads after 7 days',
  )
}

/** On the L1 bucket: the L2's `eventBridgeEnabled` brings a custom resource with it. */
export function sendEvents(bucket: IBucket): void {
  const resource = bucket.node.defaultChild
  if (CfnResource.isCfnResource(resource)) {
    resource.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true)
    return
  }
  warn(bucket, 'EventBridge', 'turn EventBridge notifications on for this bucket: without them no upload starts a run')
}

function warn(bucket: IBucket, id: string, message: string): void {
  Annotations.of(bucket).addWarningV2(`fanmill:${id}`, message)
}
