/** Tells whether two buckets of an app are the same one, also when the app made one of them and knows the other by its name or ARN. */
import { CfnResource, Reference, Stack, Tokenization } from 'aws-cdk-lib'
import type { CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3'
import type { IConstruct } from 'constructs'

/** Compares buckets that the app makes as constructs, because buckets of two stacks may have the same logical id. */
export function isSameBucket(one: IBucket, other: IBucket): boolean {
  if (one === other) return true
  const [resource, name] = [resourceOf(one), nameOf(one)]
  return (resource !== undefined && resource === resourceOf(other)) || (name !== undefined && name === nameOf(other))
}

/** Returns the construct to which the name or the ARN refers; undefined where it is a text. */
function resourceOf(bucket: IBucket): IConstruct | undefined {
  const made = madeBy(bucket)
  if (made) return made
  const tokens = [bucket.bucketName, bucket.bucketArn].map(text => Tokenization.reverse(text, { failConcat: false }))
  return tokens.find(token => Reference.isReference(token))?.target
}

/** Returns undefined where CloudFormation chooses the name. */
function nameOf(bucket: IBucket): string | undefined {
  const made = madeBy(bucket)
  const given = made ? made.bucketName : bucket.bucketName
  if (given === undefined) return undefined
  const stack = Stack.of(bucket)
  const name = JSON.stringify(stack.resolve(given))
  return isOfStack.test(name) ? `${stack.node.addr} ${name}` : name
}

/** A reference means something within its stack only, unless it is one to the account or the region. */
const isOfStack = /"Fn::GetAtt"|"Ref":"(?!AWS::)/

function madeBy({ node }: IBucket): CfnBucket | undefined {
  return CfnResource.isCfnResource(node.defaultChild) ? (node.defaultChild as CfnBucket) : undefined
}
