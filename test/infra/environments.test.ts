/** Stacks with an account and a region, stages and permissions boundaries: a pipeline must fit into all of them. */
import { Aspects, type Environment, PermissionsBoundary, Stack, Stage, Tag } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { FanmillPipeline } from '../../infra/index.ts'
import { everyProp, ownArchitecture, pipelineFile, shown, templateApp, warningsOf } from './stacks.ts'

const here = { account: '111111111111', region: 'eu-west-1' } as const
const entry = { entry: pipelineFile('visits.ts'), architecture: ownArchitecture, include: ['models/**'] } as const

describe('a stack with an account and a region', () => {
  it.each<[string, Environment]>([
    ['both', here],
    ['a region only', { region: here.region }],
    ['an account only', { account: here.account }],
    ['a region in China', { account: here.account, region: 'cn-north-1' }],
  ])('is synthesized with %s', (_, env) => {
    const stack = new Stack(templateApp(), 'Sales', { env })
    new FanmillPipeline(stack, 'Visits', entry)
    const template = Template.fromStack(stack)
    expect(Object.keys(template.findResources('AWS::CloudWatch::Alarm')).length).toBeGreaterThan(2)
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1)
  })

  it('is synthesized with every prop', () => {
    const stack = new Stack(templateApp(), 'Sales', { env: here })
    new FanmillPipeline(stack, 'Visits', { ...entry, ...everyProp(stack) })
    Template.fromStack(stack).resourceCountIs('AWS::StepFunctions::StateMachine', 1)
  })

  it('has alarms for the executions of its own account and region', () => {
    const stack = new Stack(templateApp(), 'Sales', { env: here })
    new FanmillPipeline(stack, 'Visits', entry)
    const alarms = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm')).map(
      alarm => alarm.Properties,
    )
    for (const { Namespace, Dimensions } of alarms.filter(({ Namespace }) => Namespace === 'AWS/States'))
      expect([Namespace, shown(Dimensions[0].Value)]).toEqual(['AWS/States', expect.stringContaining('StateMachine')])
  })
})

describe('a stage with a permissions boundary, tags and an aspect', () => {
  it('holds two pipelines, and each role has the boundary', () => {
    const app = templateApp()
    const permissionsBoundary = PermissionsBoundary.fromName('boundary')
    const stage = new Stage(app, 'Prod', { env: here, permissionsBoundary })
    const [one, two] = [new Stack(stage, 'Sales'), new Stack(stage, 'Two')]
    Aspects.of(one).add(new Tag('team', 'data'))
    new FanmillPipeline(one, 'Visits', { ...entry, ...everyProp(one) })
    new FanmillPipeline(two, 'Visits-2', { ...entry, inputPrefix: 'in/', outputPrefix: 'lake/' })
    for (const stack of [one, two]) {
      const roles = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role'))
      expect(roles.length).toBeGreaterThan(4)
      const boundaries = new Set(roles.map(role => shown(role.Properties.PermissionsBoundary)))
      expect([...boundaries]).toEqual([expect.stringMatching(/:iam::111111111111:policy\/boundary$/)])
    }
  })

  it('is one of several stages of an app, which share one bundle', () => {
    const app = templateApp()
    const templates = ['Test', 'Prod'].map(name => {
      const stack = new Stack(new Stage(app, name, { env: { ...here, account: name === 'Test' ? '1' : '2' } }), 'Sales')
      new FanmillPipeline(stack, 'Visits', entry)
      return Template.fromStack(stack)
    })
    const codes = templates.map(template =>
      Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => Properties.Code.S3Key),
    )
    expect(new Set(codes.flat()).size).toBe(1)
  })
})

describe('buckets and keys that are imported', () => {
  it('cause no warning when they are of the same account and region', () => {
    const stack = new Stack(templateApp(), 'Given', { env: here })
    const key = Key.fromKeyArn(stack, 'Key', `arn:aws:kms:${here.region}:${here.account}:key/abc`)
    const input = Bucket.fromBucketAttributes(stack, 'In', { bucketName: 'inbox', encryptionKey: key, ...here })
    const output = Bucket.fromBucketAttributes(stack, 'Out', { bucketName: 'lake', encryptionKey: key, ...here })
    new FanmillPipeline(stack, 'Visits', { ...entry, input, output })
    Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 0)
    expect(elsewhereWarnings(stack)).toEqual([])
  })

  it.each<[string, Environment, string]>([
    ['account', { ...here, account: '222222222222' }, 'account 222222222222'],
    ['region', { ...here, region: 'us-east-1' }, 'region us-east-1'],
    ['account and region', { account: '222222222222', region: 'us-east-1' }, 'account 222222222222, region us-east-1'],
  ])('are refused as outputs of another %s, and warned of as inputs', (_, env, named) => {
    const given = (name: 'input' | 'output') => {
      const stack = new Stack(templateApp(), 'Given', { env: here })
      const bucket = Bucket.fromBucketAttributes(stack, 'Theirs', { bucketName: 'theirs', ...env } as const)
      new FanmillPipeline(stack, 'Visits', { ...entry, [name]: bucket })
      return stack
    }
    expect(() => given('output')).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(`got ${named};`) }),
    )
    expect(elsewhereWarnings(given('input'))).toEqual([expect.stringContaining(`the input is a bucket in ${named}:`)])
  })

  it('are refused as the output when they are of another stack in another region', () => {
    const app = templateApp()
    const own = new Stack(app, 'Own', { env: { ...here, region: 'us-east-1' }, crossRegionReferences: true })
    const output = new Bucket(own, 'Data', { bucketName: 'data' })
    const stack = new Stack(app, 'Given', { env: here, crossRegionReferences: true })
    expect(() => new FanmillPipeline(stack, 'Visits', { ...entry, output })).toThrow(/got region us-east-1;/)
  })

  it('are refused as keys of another region, and warned of as keys of another account', () => {
    const keyed = (arn: string) => {
      const stack = new Stack(templateApp(), 'Given', { env: here })
      new FanmillPipeline(stack, 'Visits', { ...entry, encryptionKey: Key.fromKeyArn(stack, 'Key', arn) })
      return elsewhereWarnings(stack)
    }
    expect(() => keyed('arn:aws:kms:us-east-1:111111111111:key/abc')).toThrow(
      "encryptionKey: expected a key in the stack's region (eu-west-1), as its buckets are, got arn:aws:kms:us-east-1",
    )
    expect(keyed('arn:aws:kms:eu-west-1:222222222222:key/abc')).toEqual([
      expect.stringContaining('is of another account: its policy must allow the roles of this pipeline kms:Decrypt'),
    ])
    expect(keyed('arn:aws:kms:eu-west-1:111111111111:key/abc')).toEqual([])
  })

  it.each([
    ['lake--euw1-az1--x-s3', 'a directory bucket (S3 Express One Zone)'],
    ['lake--table-s3', 'a table bucket (S3 Tables)'],
  ])('are refused when they are of the kind of %s', (bucketName, kind) => {
    for (const prop of ['input', 'output']) {
      const stack = new Stack(templateApp(), 'Given', { env: here })
      const bucket = Bucket.fromBucketName(stack, 'Theirs', bucketName)
      expect(() => new FanmillPipeline(stack, 'Visits', { ...entry, [prop]: bucket })).toThrow(
        `FanmillPipeline: ${prop}: expected a general purpose bucket, got ${bucketName}, ${kind}`,
      )
    }
  })

  it('may be of another stack of the same app', () => {
    const app = templateApp()
    const own = new Stack(app, 'Own', { env: here })
    const key = new Key(own, 'Key')
    const bucket = new Bucket(own, 'Data', { encryptionKey: key })
    const stack = new Stack(app, 'Given', { env: here })
    new FanmillPipeline(stack, 'Visits', { ...entry, input: bucket, output: bucket, outputPrefix: 'out/' })
    app.synth()
    expect(stack.dependencies.map(({ stackName }) => stackName)).toEqual(['Own'])
  })
})

const elsewhereWarnings = (stack: Stack): string[] => warningsOf(stack).filter(text => /Elsewhere/.test(text))
