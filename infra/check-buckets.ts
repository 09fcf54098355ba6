/** Refuses buckets and keys that AWS would refuse at run time, and warns of those that need a change in another account or region. */
import { Annotations, Stack, Token, TokenComparison } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { unsupportedBucketKind } from '../lib/store/store-url.ts'
import { invalidProp } from './invalid-prop.ts'

export interface CheckedBuckets {
  readonly input: IBucket
  readonly output: IBucket
  /** Encrypts everything that is written, whatever key the output's bucket has. */
  readonly encryptionKey?: IKey | undefined
}

/** @throws DEFINITION_INVALID for a kind of bucket that is not supported, for an output of another account or region, for a key of another region */
export function checkBuckets(scope: Construct, { input, output, encryptionKey }: CheckedBuckets): void {
  for (const [prop, bucket] of Object.entries({ input, output })) refuseKind(prop, bucket)
  const elsewhere = locationElsewhere(scope, output)
  if (elsewhere !== undefined)
    throw invalidProp(
      'output',
      `a bucket in the account and region of the stack, because state and parts are written there with conditions that its owner's policy could break, got ${elsewhere}; let the other account read the dataset instead`,
    )
  warnOfInput(scope, input)
  if (encryptionKey) checkKey(scope, encryptionKey)
}

function refuseKind(prop: string, { bucketName }: IBucket): void {
  const kind = Token.isUnresolved(bucketName) ? undefined : unsupportedBucketKind(bucketName)
  if (kind !== undefined) throw invalidProp(prop, `a general purpose bucket, got ${bucketName}, ${kind}`)
}

function warnOfInput(scope: Construct, input: IBucket): void {
  const elsewhere = locationElsewhere(scope, input)
  if (elsewhere === undefined) return
  const message = `the input is a bucket in ${elsewhere}: its policy must allow the roles of Plan and Process s3:GetObject and s3:ListBucket where the account is another, and uploads start runs only when a rule there sends its events to the default event bus of this stack's account and region`
  Annotations.of(input).addWarningV2('fanmill:InputElsewhere', message)
}

/** S3 encrypts with keys of the bucket's own region only. */
function checkKey(scope: Construct, key: IKey): void {
  const { region, account } = Stack.of(scope)
  if (differs(key.env.region, region))
    throw invalidProp('encryptionKey', `a key in the stack's region (${region}), as its buckets are, got ${key.keyArn}`)
  if (!differs(key.env.account, account)) return
  const message = `the key ${key.keyArn} is of another account: its policy must allow the roles of this pipeline kms:Decrypt and kms:GenerateDataKey`
  Annotations.of(scope).addWarningV2('fanmill:KeyElsewhere', message)
}

/** Returns the account and the region of a bucket as far as they are known to differ from the stack's. */
function locationElsewhere(scope: Construct, { env }: IBucket): string | undefined {
  const { account, region } = Stack.of(scope)
  const differences = [
    ...(differs(env.account, account) ? [`account ${env.account}`] : []),
    ...(differs(env.region, region) ? [`region ${env.region}`] : []),
  ]
  return differences.length > 0 ? differences.join(', ') : undefined
}

const differs = (one: string, other: string): boolean => Token.compareStrings(one, other) === TokenComparison.DIFFERENT
