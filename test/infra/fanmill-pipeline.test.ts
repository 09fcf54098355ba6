import { Duration, Stack } from 'aws-cdk-lib'
import { Match } from 'aws-cdk-lib/assertions'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { beforeAll, describe, expect, it } from 'vitest'
import { largeTiers } from '../../infra/index.ts'
import { allowed, type Deployed, pipelineFile, shown, statementsOf, synthesise, warningsOf } from './stacks.ts'

let deployed: Deployed
beforeAll(() => {
  deployed = synthesise()
})

describe('roles', () => {
  it('let Plan read inputs and write state', () => {
    expect(allowed(deployed.template, 'VisitsPlanRole')).toMatchSnapshot()
  })

  it('let Process read inputs, state and secrets, and write parts and what becomes of its batch', () => {
    expect(allowed(deployed.template, 'VisitsProcess1Role')).toMatchSnapshot()
  })

  it('let Commit alone delete, and alone write _SUCCESS', () => {
    expect(allowed(deployed.template, 'VisitsCommitRole')).toMatchSnapshot()
    for (const role of [
      'VisitsPlanRole',
      'VisitsProcess1Role',
      'VisitsProcess2Role',
      'VisitsGraphRole',
      'VisitsStateMachineRole',
      'VisitsTriggerRole',
    ]) {
      expect(allowed(deployed.template, role).filter(pair => pair.startsWith('s3:Delete'))).toEqual([])
    }
    const denied = statementsOf(deployed.template, 'VisitsProcess1Role').filter(({ Effect }) => Effect === 'Deny')
    expect(denied.flatMap(({ Resource }) => Resource).every(resource => resource.endsWith('_SUCCESS'))).toBe(true)
    expect(denied).toHaveLength(1)
  })

  it('let Graph read and write the state of graphs, and nothing else', () => {
    expect(allowed(deployed.template, 'VisitsGraphRole')).toMatchSnapshot()
  })

  it('let the state machine invoke these functions, read plans and start its own children', () => {
    expect(allowed(deployed.template, 'VisitsStateMachineRole')).toMatchSnapshot()
  })

  it('name no resource by * alone, and no action by *', () => {
    const statements = statementsOf(deployed.template, 'Visits')
    expect(statements.length).toBeGreaterThan(20)
    expect(statements.filter(({ Resource }) => Resource.includes('*'))).toEqual([])
    expect(statements.filter(({ Action }) => Action.some(action => action.includes('*')))).toEqual([])
  })

  it('list buckets below prefixes only', () => {
    const lists = statementsOf(deployed.template, 'Visits').filter(({ Action }) => Action.includes('s3:ListBucket'))
    expect(
      lists.every(
        ({ Condition }) => (Condition as { StringLike: { 's3:prefix': string[] } }).StringLike['s3:prefix'].length > 0,
      ),
    ).toBe(true)
  })
})

describe('buckets', () => {
  it('are private, encrypted, versioned, and answer over TLS only', () => {
    const buckets = Object.values(deployed.template.findResources('AWS::S3::Bucket'))
    expect(buckets).toHaveLength(2)
    for (const { Properties } of buckets) {
      expect(Properties.PublicAccessBlockConfiguration).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      })
      expect(Properties.BucketEncryption).toBeDefined()
      expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' })
    }
    const denied = Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })
    deployed.template.allResourcesProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: { Statement: Match.arrayWith([denied]) },
    })
  })

  it('abort uploads that are 7 days old, also in the input bucket', () => {
    deployed.template.allResourcesProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([Match.objectLike({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } })]),
      },
    })
  })

  it('keep old versions for 30 days or as long as the prop says, and remove delete markers without versions', () => {
    const keeping = (NoncurrentDays: number) => ({
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          {
            ...{ Id: 'old-versions', Status: 'Enabled', ExpiredObjectDeleteMarker: true },
            NoncurrentVersionExpiration: { NoncurrentDays },
          },
        ]),
      },
    })
    deployed.template.allResourcesProperties('AWS::S3::Bucket', keeping(30))
    const { template } = synthesise({ noncurrentVersionExpiration: Duration.days(3) })
    template.allResourcesProperties('AWS::S3::Bucket', keeping(3))
  })

  it('are kept when the stack is deleted', () => {
    deployed.template.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Retain' })
  })
})

describe('the trigger', () => {
  it('starts the state machine with the whole event, for keys that may match the template', () => {
    deployed.template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { object: { key: [{ wildcard: 'visits/*/*.csv' }] } },
      },
      Targets: [
        Match.objectLike({
          InputTransformer: Match.absent(),
          InputPath: Match.absent(),
          DeadLetterConfig: Match.anyValue(),
        }),
      ],
    })
    deployed.template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    })
  })

  it('sends events that it cannot deliver to a queue with an alarm', () => {
    deployed.template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sqs:SendMessage', Principal: { Service: 'events.amazonaws.com' } }),
        ]),
      },
    })
    deployed.template.hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: 'AWS/SQS', Threshold: 1 })
    deployed.template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ExecutionsFailed', Threshold: 1 })
    deployed.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ExecutionsTimedOut',
      Threshold: 1,
    })
  })

  it('refuses an output that could start it again', () => {
    const inOne = (prefixes: { inputPrefix?: string; outputPrefix?: string }) => () =>
      synthesise(stack => {
        const bucket = new Bucket(stack, 'Data')
        return { input: bucket, output: bucket, ...prefixes }
      })
    expect(inOne({ outputPrefix: 'visits/2001-01/' })).toThrow(/expected outputs apart from the trigger/)
    expect(inOne({ inputPrefix: 'lake/' })).toThrow(/expected outputs apart/)
    expect(inOne({ inputPrefix: 'data/' })).not.toThrow()
    expect(inOne({ inputPrefix: 'lake/visits/' })).toThrow(/could start each other/)
    expect(inOne({})).not.toThrow()
  })

  it('can be turned off', () => {
    const { template, pipeline } = synthesise({ trigger: false, outputPrefix: 'visits/' })
    template.resourceCountIs('AWS::Events::Rule', 0)
    template.resourceCountIs('AWS::SQS::Queue', 0)
    expect(pipeline.deadLetterQueue).toBeUndefined()
  })
})

describe('functions', () => {
  it('fit an account whose functions are limited to 3,008 MB', () => {
    const functions = Object.values(deployed.template.findResources('AWS::Lambda::Function'))
    expect(functions).toHaveLength(5)
    expect(
      functions.filter(({ Properties }) => Properties.MemorySize > 3008 || Properties.Runtime !== 'nodejs24.x'),
    ).toEqual([])
  })

  it('are one for each tier, with its resources in their environment', () => {
    const { template } = synthesise({ tiers: largeTiers, functionTimeout: Duration.minutes(10) })
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'process.handler',
      MemorySize: 5307,
      EphemeralStorage: { Size: 6144 },
      Timeout: 600,
      Environment: {
        Variables: Match.objectLike({
          FANMILL_THREADS: '3',
          FANMILL_MEMORY_MB: '5307',
          UV_THREADPOOL_SIZE: '10',
          FANMILL_TIERS: JSON.stringify(largeTiers),
          FANMILL_TIMEOUT_SECONDS: '600',
        }),
      },
    })
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { Handler: 'process.handler' }, 3)
    const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
    expect(Object.keys(machine!.Properties.DefinitionSubstitutions)).toEqual(
      expect.arrayContaining(['ProcessFunction1', 'ProcessFunction2', 'ProcessFunction3']),
    )
  })

  it('have the same environment for any number of tasks, and refuse more secrets than fit into it', () => {
    const many = { entry: pipelineFile('many.ts'), include: [] }
    const variables = Object.values(synthesise(many).template.findResources('AWS::Lambda::Function')).map(
      ({ Properties }) => JSON.stringify(Properties.Environment.Variables).length,
    )
    expect(Math.max(...variables)).toBeLessThan(1000)
    const secretsOf = (count: number) => (stack: Stack) => {
      const names = Array.from({ length: count }, (_, index) => `shop/api-key-${index}`)
      const arn = (name: string): string => `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-a1b2c3`
      const given = names.map(name => [name, Secret.fromSecretCompleteArn(stack, name, arn(name))])
      return { ...many, secrets: Object.fromEntries(given) }
    }
    expect(() => synthesise(secretsOf(20))).not.toThrow()
    expect(() => synthesise(secretsOf(60))).toThrow(
      /expected at most 4096 bytes of environment in a function, got \d+, most of them FANMILL_SECRETS/,
    )
  })

  it('have log groups of their own, and nothing needs a custom resource', () => {
    deployed.template.resourceCountIs('AWS::Logs::LogGroup', 5)
    const types = Object.values(deployed.template.toJSON().Resources as Record<string, { Type: string }>).map(
      ({ Type }) => Type,
    )
    expect(types.filter(type => /^Custom::|CustomResource|^AWS::Serverless/.test(type))).toEqual([])
  })
})

describe('secrets', () => {
  const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:weather-a1b2c3'
  const withKey = (stack: Stack) => ({
    secrets: {
      'weather/api-key': Secret.fromSecretAttributes(stack, 'Secret', {
        secretCompleteArn: arn,
        encryptionKey: new Key(stack, 'Key'),
      }),
    },
  })

  it('with a key of their own are read and decrypted only by Process, and only through Secrets Manager', () => {
    const { template } = synthesise(withKey)
    for (const role of ['VisitsProcess1Role', 'VisitsProcess2Role']) {
      const [decrypt, ...others] = statementsOf(template, role).filter(({ Action }) => Action.includes('kms:Decrypt'))
      expect(others).toEqual([])
      expect(decrypt).toMatchObject({ Action: ['kms:Decrypt'], Resource: [expect.stringMatching(/^<Key\w+\.Arn>$/)] })
      const { StringEquals } = decrypt!.Condition as { StringEquals: Record<string, unknown> }
      expect(shown(StringEquals['kms:ViaService'])).toBe('secretsmanager.<AWS::Region>.amazonaws.com')
      expect(allowed(template, role).filter(pair => pair.startsWith('secretsmanager:'))).toEqual([
        `secretsmanager:GetSecretValue ${arn}`,
      ])
    }
    for (const role of ['VisitsPlanRole', 'VisitsCommitRole', 'VisitsStateMachineRole'])
      expect(allowed(template, role).filter(pair => /^(kms|secretsmanager):/.test(pair))).toEqual([])
  })

  it('can be given by name, and their key by its ARN', () => {
    const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/abc'
    const { template } = synthesise(stack => ({
      secrets: {
        'weather/api-key': Secret.fromSecretAttributes(stack, 'Secret', {
          secretPartialArn: arn.replace('-a1b2c3', ''),
          encryptionKey: Key.fromKeyArn(stack, 'Key', keyArn),
        }),
      },
    }))
    expect(allowed(template, 'VisitsProcess1Role').filter(pair => /^(kms|secretsmanager):/.test(pair))).toEqual([
      `kms:Decrypt ${keyArn}`,
      `secretsmanager:GetSecretValue ${arn.replace('a1b2c3', '??????')}`,
    ])
  })

  it('can be of another stack of the app', () => {
    const { stack, template } = synthesise(one => {
      const own = new Stack(one.node.root, 'Own')
      return { secrets: { 'weather/api-key': new Secret(own, 'Secret', { encryptionKey: new Key(own, 'Key') }) } }
    })
    expect(stack.dependencies.map(({ stackName }) => stackName)).toEqual(['Own'])
    expect(allowed(template, 'VisitsProcess1Role').filter(pair => /^(kms|secretsmanager):/.test(pair))).toHaveLength(2)
  })

  it('of the app are read by their ARN, under the name that the pipeline gives them', () => {
    const { template } = synthesise(withKey)
    const variables = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => [
      Properties.Handler,
      Properties.Environment.Variables.FANMILL_SECRETS,
    ])
    const arns = JSON.stringify({ 'weather/api-key': arn })
    expect(variables.sort()).toEqual([
      ['commit.handler', undefined],
      ['graph.handler', undefined],
      ['plan.handler', undefined],
      ['process.handler', arns],
      ['process.handler', arns],
    ])
  })

  it('that no task uses are refused with the nearest name', () => {
    expect(() =>
      synthesise(stack => ({ secrets: { 'weather/apikey': Secret.fromSecretNameV2(stack, 'Secret', 'weather') } })),
    ).toThrow(
      "secrets: expected names of the pipeline's (weather/api-key), got weather/apikey, did you mean weather/api-key",
    )
  })
})

describe('glueDatabase', () => {
  it('makes each dataset a table, with the columns that a run writes and partitions projected from paths', () => {
    const { template } = synthesise({
      entry: pipelineFile('sales.ts'),
      include: [],
      glueDatabase: 'lake',
      outputPrefix: 'out/',
    })
    const [table] = Object.values(template.findResources('AWS::Glue::Table'))
    expect(table!.Properties.DatabaseName).toBe('lake')
    expect(table!.Properties.TableInput).toMatchSnapshot()
  })

  it('refuses a task whose columns are not known before a run', () => {
    const entry = pipelineFile('rates.ts')
    expect(() => synthesise({ entry, include: [], glueDatabase: 'lake' })).toThrow(
      /task rated: .*its table rates declares no columns; declare them/,
    )
  })
})

describe('the rest', () => {
  it('sends alarms to the topic', () => {
    const { template } = synthesise(stack => ({ alarmsTopic: new Topic(stack, 'Topic') }))
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [{ Ref: Match.stringLikeRegexp('Topic') }],
    })
  })

  it('has a dashboard unless it is turned off', () => {
    deployed.template.resourceCountIs('AWS::CloudWatch::Dashboard', 1)
    synthesise({ dashboard: false }).template.resourceCountIs('AWS::CloudWatch::Dashboard', 0)
  })

  it('has outputs by which the command line finds it', () => {
    expect(Object.keys(deployed.template.findOutputs('*')).sort()).toEqual([
      'VisitsGraphLogGroup',
      'VisitsInput',
      'VisitsLogGroups',
      'VisitsOutput',
      'VisitsPipeline',
      'VisitsStateMachineArn',
    ])
  })

  it('warns of a bucket of another app, which must send its events itself', () => {
    const { stack } = synthesise(one => ({ input: Bucket.fromBucketName(one, 'Theirs', 'theirs') }))
    expect(warningsOf(stack)).toContainEqual(expect.stringContaining('turn EventBridge notifications on'))
  })

  it.each([
    [{ inputPrefix: '/data/' }, 'inputPrefix: expected a prefix that ends in a slash'],
    [{ outputPrefix: 'data' }, 'outputPrefix: expected a prefix that ends in a slash'],
    [{ tiers: [] }, 'tiers: expected at least one'],
    [
      { tiers: [{ memoryMb: 20_000, threads: 1, temporaryStorageMb: 512 }] },
      'tiers[0].memoryMb: expected a whole number from 512 to 10240',
    ],
    [{ maxConcurrency: 0 }, 'maxConcurrency: expected a whole number from 1'],
    [{ nodeConcurrency: 501 }, 'nodeConcurrency: expected a whole number from 1 to 500'],
    [
      { noncurrentVersionExpiration: Duration.hours(12) },
      'noncurrentVersionExpiration in days: expected a whole number from 1 to 36500, got 0.5',
    ],
    [{ functionTimeout: Duration.hours(1) }, 'functionTimeout in seconds: expected a whole number from 30 to 900'],
  ])('refuses %j', (props, message) => {
    expect(() => synthesise(props)).toThrow(message)
  })

  it("fails synthesis with the pipeline's own error when it does not load", () => {
    expect(() => synthesise({ entry: pipelineFile('unknown-option.ts'), include: [] })).toThrow(/colums.*columns/)
    expect(() => synthesise({ entry: pipelineFile('wrong-sql.ts'), include: [] })).toThrow(
      expect.objectContaining({
        name: 'PermanentError',
        code: 'SQL_INVALID',
        message: 'task late-flights: where: unknown column dely; did you mean delay',
      }),
    )
    expect(() => synthesise({ entry: pipelineFile('none.ts'), include: [] })).toThrow(
      /expected a pipeline file, found none/,
    )
  })
})
