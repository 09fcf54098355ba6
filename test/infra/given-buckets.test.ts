/** Buckets of the app or of another app: properties that a pipeline adds, and whether two of them are the same. */
import { type App, Aws, CfnParameter, Duration, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Bucket, EventType, type IBucket } from 'aws-cdk-lib/aws-s3'
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, it } from 'vitest'
import { FanmillPipeline, type FanmillPipelineProps } from '../../infra/index.ts'
import { ownArchitecture, pipelineFile, synthesise, templateApp, warningsOf } from './stacks.ts'

describe('a bucket that also sends its events to other targets', () => {
  const notificationsOf = (template: Template) => ({
    byBucket: template.findResources('AWS::S3::Bucket', { Properties: { NotificationConfiguration: {} } }),
    byHandler: Object.values(template.findResources('Custom::S3BucketNotifications')).map(
      ({ Properties }) => Properties.NotificationConfiguration,
    ),
  })
  const toQueue = (bucket: IBucket, stack: Stack): void =>
    bucket.addEventNotification(EventType.OBJECT_CREATED, new SqsDestination(new Queue(stack, 'Queue')))
  const both = { EventBridgeConfiguration: {}, QueueConfigurations: [expect.anything()] }

  it('starts runs when the other targets were added before the pipeline', () => {
    const { template } = synthesise(stack => {
      const input = new Bucket(stack, 'Inbox')
      toQueue(input, stack)
      return { input }
    })
    expect(notificationsOf(template)).toEqual({ byBucket: {}, byHandler: [both] })
  })

  it('starts runs when the other targets are added after the pipeline', () => {
    const { stack, pipeline } = pipelineIn(templateApp(), one => ({ input: new Bucket(one, 'Inbox') }))
    toQueue(pipeline.input, stack)
    expect(notificationsOf(Template.fromStack(stack))).toEqual({ byBucket: {}, byHandler: [both] })
  })

  it('starts runs when it is of another app, without a warning', () => {
    const { stack, template } = synthesise(one => {
      const input = Bucket.fromBucketName(one, 'Theirs', 'theirs')
      toQueue(input, one)
      return { input }
    })
    expect(notificationsOf(template).byHandler).toEqual([both])
    expect(warningsOf(stack)).not.toContainEqual(expect.stringContaining('EventBridge'))
  })

  it('needs no custom resource without other targets', () => {
    const { template } = synthesise(stack => ({ input: new Bucket(stack, 'Inbox') }))
    expect(notificationsOf(template).byHandler).toEqual([])
    expect(Object.keys(notificationsOf(template).byBucket)).toEqual([expect.stringContaining('Inbox')])
  })
})

describe('an output of two pipelines', () => {
  it('has one rule that aborts old uploads, because S3 refuses two rules with one id', () => {
    const stack = new Stack(templateApp(), 'Two')
    const output = new Bucket(stack, 'Lake', { lifecycleRules: [{ id: 'theirs', expiration: Duration.days(90) }] })
    for (const id of ['One', 'Other']) addPipeline(stack, { output, outputPrefix: `${id.toLowerCase()}/` }, id)
    const [lake] = Object.entries(Template.fromStack(stack).findResources('AWS::S3::Bucket')).filter(([id]) =>
      id.startsWith('Lake'),
    )
    const rules: { Id: string }[] = lake![1].Properties.LifecycleConfiguration.Rules
    expect(rules.map(({ Id }) => Id)).toEqual(['theirs', 'fanmill-abandoned-uploads'])
  })
})

describe('a task that reads what the pipeline writes', () => {
  const pipelineOver = (inputPrefix: string, outputPrefix: string, entry = pipelineFile('visits.ts')) =>
    synthesise(stack => {
      const bucket = new Bucket(stack, 'Data')
      return { input: bucket, output: bucket, inputPrefix, outputPrefix, entry, trigger: false }
    })

  it('is refused at synthesis when both roots lie in one bucket', () => {
    expect(() => pipelineOver('', '', pipelineFile('own-output.ts'))).toThrow(
      expect.objectContaining({
        code: 'INPUT_IS_OUTPUT',
        message: expect.stringMatching(
          /^daily\/\{day\}\/\*\*\/\*\.parquet under the input bucket matches daily\/2000-01-01\/part-.*, an output of task daily .*choose an inputPrefix/,
        ),
        detail: expect.objectContaining({ task: 'daily' }),
      }),
    )
  })

  it('is accepted when the prefixes keep the roots apart, or the buckets are two', () => {
    expect(() => pipelineOver('in/', 'lake/', pipelineFile('own-output.ts'))).not.toThrow()
    expect(() => synthesise({ entry: pipelineFile('own-output.ts') })).not.toThrow()
    expect(() => pipelineOver('', '')).not.toThrow()
  })
})

/** The trigger of the pipeline is `visits/…`, and its output prefix too. */
describe('an output that could start the pipeline again', () => {
  const name = 'my-data-bucket'
  const arn = `arn:aws:s3:::${name}`

  it.each<[string, (stack: Stack) => readonly [IBucket, IBucket]]>([
    ['by its name', stack => [new Bucket(stack, 'A', { bucketName: name }), Bucket.fromBucketName(stack, 'B', name)]],
    ['by its ARN', stack => [Bucket.fromBucketArn(stack, 'B', arn), new Bucket(stack, 'A', { bucketName: name })]],
    ['twice by its name', stack => [Bucket.fromBucketName(stack, 'A', name), Bucket.fromBucketName(stack, 'B', name)]],
    [
      'by a name with the account in it, in another stack',
      stack => [
        new Bucket(new Stack(stack.node.root, 'Own'), 'A', { bucketName: `data-${Aws.ACCOUNT_ID}` }),
        Bucket.fromBucketName(stack, 'B', `data-${Aws.ACCOUNT_ID}`),
      ],
    ],
    [
      'by a reference to its name',
      stack => {
        const made = new Bucket(stack, 'A')
        return [made, Bucket.fromBucketName(stack, 'B', made.bucketName)]
      },
    ],
    [
      'by a reference to its ARN, from another stack',
      stack => {
        const made = new Bucket(new Stack(stack.node.root, 'Own'), 'A')
        return [Bucket.fromBucketArn(stack, 'B', made.bucketArn), made]
      },
    ],
    [
      'by a parameter',
      stack => {
        const given = new CfnParameter(stack, 'Name').valueAsString
        return [Bucket.fromBucketName(stack, 'A', given), Bucket.fromBucketName(stack, 'B', `${given}`)]
      },
    ],
  ])('is refused in a bucket that is known %s', (_, buckets) => {
    expect(() =>
      pipelineIn(templateApp(), stack => {
        const [input, output] = buckets(stack)
        return { input, output, outputPrefix: 'visits/' }
      }),
    ).toThrow(/expected outputs apart from the trigger/)
  })

  it.each<[string, (stack: Stack) => readonly [IBucket, IBucket]]>([
    [
      'of one id in two stacks',
      ({ node: { root } }) => [
        new Bucket(new Stack(root, 'One'), 'Data'),
        new Bucket(new Stack(root, 'Other'), 'Data'),
      ],
    ],
    [
      'by parameters of one id in two stacks',
      ({ node: { root } }) => {
        const [a, b] = [new Stack(root, 'One'), new Stack(root, 'Other')]
        const named = (one: Stack) => Bucket.fromBucketName(one, 'Data', new CfnParameter(one, 'Name').valueAsString)
        return [named(a), named(b)]
      },
    ],
    [
      'of two names',
      stack => [new Bucket(stack, 'A', { bucketName: name }), Bucket.fromBucketName(stack, 'B', 'another')],
    ],
    ['of which one has a name', stack => [new Bucket(stack, 'A'), Bucket.fromBucketName(stack, 'B', name)]],
  ])('is accepted in two buckets %s', (_, buckets) => {
    expect(() =>
      pipelineIn(templateApp(), stack => {
        const [input, output] = buckets(stack)
        return { input, output, outputPrefix: 'visits/' }
      }),
    ).not.toThrow()
  })
})

function pipelineIn(app: App, props: (stack: Stack) => Partial<FanmillPipelineProps>) {
  const stack = new Stack(app, 'Test')
  return { stack, pipeline: addPipeline(stack, props(stack)) }
}

function addPipeline(stack: Stack, props: Partial<FanmillPipelineProps>, id = 'Visits'): FanmillPipeline {
  const common = { entry: pipelineFile('visits.ts'), architecture: ownArchitecture, include: ['models/**'] } as const
  return new FanmillPipeline(stack, id, { ...common, ...props })
}
