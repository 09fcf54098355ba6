/** Grants of KMS keys: readers decrypt, writers also encrypt. */
import { Match, type Template } from 'aws-cdk-lib/assertions'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { shown, statementsOf, synthesise, warningsOf } from './stacks.ts'

describe('encryptionKey', () => {
  it('encrypts buckets and writes, and is granted to every role that reads or writes', () => {
    const { template } = synthesise(stack => ({ encryptionKey: new Key(stack, 'Key') }))
    template.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
        ],
      },
    })
    template.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ FANMILL_KMS_KEY: Match.anyValue() }) },
    })
    const both = ['kms:Decrypt Key', 'kms:GenerateDataKey Key']
    expect(kmsGrants(template)).toEqual({
      ...{ Plan: both, Process1: both, Process2: both, Commit: both, Graph: both },
      StateMachine: ['kms:Decrypt Key'],
    })
  })
})

describe('keys of given buckets', () => {
  it('are granted to the roles that read inputs and to the roles that write outputs', () => {
    const { template, stack } = synthesise(one => ({
      input: new Bucket(one, 'Inbox', { encryptionKey: new Key(one, 'InKey') }),
      output: Bucket.fromBucketAttributes(one, 'Lake', {
        bucketName: 'lake',
        encryptionKey: Key.fromKeyArn(one, 'OutKey', 'arn:aws:kms:eu-central-1:111122223333:key/abc'),
      }),
    }))
    const out = 'arn:aws:kms:eu-central-1:111122223333:key/abc'
    const work = ['kms:Decrypt InKey', `kms:Decrypt ${out}`, `kms:GenerateDataKey ${out}`]
    expect(kmsGrants(template)).toEqual({
      ...{ Plan: work, Process1: work, Process2: work },
      Commit: [`kms:Decrypt ${out}`, `kms:GenerateDataKey ${out}`],
      Graph: [`kms:Decrypt ${out}`, `kms:GenerateDataKey ${out}`],
      StateMachine: [`kms:Decrypt ${out}`],
    })
    expect(keyWarnings(stack)).toEqual([])
  })

  it('are missed with a warning when a bucket of another app has none', () => {
    const { stack, template } = synthesise(one => ({
      input: Bucket.fromBucketName(one, 'Inbox', 'inbox'),
      output: Bucket.fromBucketName(one, 'Lake', 'lake'),
    }))
    const warning = expect.stringContaining('Bucket.fromBucketAttributes(…, { bucketName, encryptionKey })')
    expect(keyWarnings(stack)).toEqual([warning, warning])
    expect(new Set(Object.values(kmsGrants(template)).flat())).toEqual(new Set())
  })

  it('are not missed when the app gives the key of all writes, or makes the buckets itself', () => {
    const { stack } = synthesise(one => ({
      input: new Bucket(one, 'Inbox'),
      output: Bucket.fromBucketName(one, 'Lake', 'lake'),
      encryptionKey: new Key(one, 'Key'),
    }))
    expect(keyWarnings(stack)).toEqual([])
  })
})

const keyWarnings = (stack: Parameters<typeof warningsOf>[0]): string[] =>
  warningsOf(stack).filter(warning => warning.includes('KMS key'))

/** Returns the grants by role, as `action key`. */
function kmsGrants(template: Template): Record<string, string[]> {
  const roles = ['Plan', 'Process1', 'Process2', 'Commit', 'Graph', 'StateMachine']
  return Object.fromEntries(roles.map(role => [role, grantsOf(template, `Visits${role}Role`)]))
}

function grantsOf(template: Template, role: string): string[] {
  const grants = statementsOf(template, role).flatMap(({ Action, Resource }) =>
    Action.flatMap(action => Resource.map(resource => `${action} ${shown(resource)}`)),
  )
  const ofKeys = grants.filter(grant => grant.startsWith('kms:'))
  return [...new Set(ofKeys.map(grant => grant.replace(/<(\w+?)[0-9A-F]{8}\.Arn>/, '$1')))].sort()
}
