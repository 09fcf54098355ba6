/** Props for accounts with rules of their own: networks, keys, logs, traces, alarms and reserved concurrency. */
import { Duration, Stack } from 'aws-cdk-lib'
import { Match, type Template } from 'aws-cdk-lib/assertions'
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { LogLevel } from 'aws-cdk-lib/aws-stepfunctions'
import { beforeAll, describe, expect, it } from 'vitest'
import { pipelinesIn } from '../../lib/aws/stack-outputs.ts'
import { allowed, type Deployed, givenVpc, shown, statementsOf, synthesise, warningsOf } from './stacks.ts'

const functionsOf = (template: Template) => Object.values(template.findResources('AWS::Lambda::Function'))
const actionsOf = (template: Template, role: string): string[] =>
  statementsOf(template, role).flatMap(({ Action }) => Action)

let plain: Deployed
beforeAll(() => {
  plain = synthesise()
})

describe('vpc', () => {
  it('puts every function into its private subnets, behind one security group', () => {
    const { template } = synthesise(stack => ({ vpc: givenVpc(stack) }))
    template.resourceCountIs('AWS::EC2::SecurityGroup', 1)
    for (const { Properties } of functionsOf(template)) {
      expect(Properties.VpcConfig.SubnetIds).toEqual(['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'])
      expect(Properties.VpcConfig.SecurityGroupIds).toEqual([
        { 'Fn::GetAtt': [expect.stringContaining('SecurityGroup'), 'GroupId'] },
      ])
    }
    for (const role of ['VisitsPlanRole', 'VisitsProcess1Role', 'VisitsCommitRole', 'VisitsGraphRole'])
      expect(actionsOf(template, role)).toContain('ec2:CreateNetworkInterface')
    expect(actionsOf(plain.template, 'Visits').filter(action => action.startsWith('ec2:'))).toEqual([])
  })

  it('uses the security groups of the app instead of its own', () => {
    const { template } = synthesise(stack => ({
      vpc: givenVpc(stack),
      securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Theirs', 'sg-0123456789abcdef0')],
    }))
    template.resourceCountIs('AWS::EC2::SecurityGroup', 0)
    template.allResourcesProperties('AWS::Lambda::Function', {
      VpcConfig: { SecurityGroupIds: ['sg-0123456789abcdef0'] },
    })
  })

  it('is required by vpcSubnets and securityGroups', () => {
    expect(() => synthesise({ securityGroups: [] })).toThrow(
      'FanmillPipeline: securityGroups: expected it together with vpc, got it alone',
    )
    expect(() => synthesise({ vpcSubnets: {} })).toThrow('FanmillPipeline: vpcSubnets: expected it together with vpc')
  })
})

describe('logEncryptionKey', () => {
  it('encrypts all log groups, and allows CloudWatch Logs to use the key', () => {
    const { template, stack } = synthesise(one => ({
      logEncryptionKey: new Key(one, 'LogKey'),
      stateMachineLogLevel: LogLevel.ERROR,
    }))
    template.resourceCountIs('AWS::Logs::LogGroup', 6)
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: Match.anyValue() })
    const [key] = Object.values(template.findResources('AWS::KMS::Key'))
    const principals = key!.Properties.KeyPolicy.Statement.map((each: { Principal: object }) => each.Principal)
    const services = principals.flatMap(({ Service }: { Service?: object }) => (Service ? [shown(Service)] : []))
    expect(services).toEqual(['logs.<AWS::Region>.amazonaws.com'])
    expect(warningsOf(stack).filter(text => text.includes('logEncryptionKey'))).toEqual([])
  })

  it('warns where the policy of the key cannot be changed', () => {
    const { stack } = synthesise(one => ({
      logEncryptionKey: Key.fromKeyArn(
        one,
        'LogKey',
        'arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012',
      ),
    }))
    expect(warningsOf(stack)).toContainEqual(
      expect.stringMatching(/policy of logEncryptionKey cannot be changed by this app: it must allow logs\./),
    )
  })
})

describe('environmentEncryptionKey', () => {
  it('encrypts the variables of every function, which may decrypt them', () => {
    const { template } = synthesise(one => ({ environmentEncryptionKey: new Key(one, 'EnvironmentKey') }))
    template.allResourcesProperties('AWS::Lambda::Function', { KmsKeyArn: Match.anyValue() })
    for (const role of ['VisitsPlanRole', 'VisitsProcess1Role', 'VisitsCommitRole', 'VisitsGraphRole'])
      expect(actionsOf(template, role)).toContain('kms:Decrypt')
  })
})

describe('stateMachineLogLevel', () => {
  it('sends events without their data to a log group of the state machine', () => {
    const { template } = synthesise({ stateMachineLogLevel: LogLevel.ALL })
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false, Destinations: [Match.anyValue()] },
    })
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: Match.stringLikeRegexp('^/aws/vendedlogs/states/Test-'),
      RetentionInDays: 30,
    })
    expect(actionsOf(template, 'VisitsStateMachineRole')).toContain('logs:CreateLogDelivery')
  })

  it('is off by default', () => {
    plain.template.hasResourceProperties('AWS::StepFunctions::StateMachine', { LoggingConfiguration: Match.absent() })
  })
})

describe('tracing', () => {
  it('traces the state machine and every function', () => {
    const { template } = synthesise({ tracing: true })
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', { TracingConfiguration: { Enabled: true } })
    template.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } })
    for (const role of ['VisitsPlanRole', 'VisitsProcess1Role', 'VisitsCommitRole', 'VisitsStateMachineRole'])
      expect(actionsOf(template, role)).toContain('xray:PutTraceSegments')
    expect(actionsOf(plain.template, 'Visits').filter(action => action.startsWith('xray:'))).toEqual([])
  })
})

describe('reservedConcurrency', () => {
  it('reserves concurrency for the tiers that have a number, and for none by default', () => {
    const { template } = synthesise({ reservedConcurrency: [undefined, 20] })
    const reserved = (one: Template) =>
      functionsOf(one).map(({ Properties }) => [Properties.Description, Properties.ReservedConcurrentExecutions])
    expect(reserved(template).filter(([, count]) => count !== undefined)).toEqual([
      ['Fanmill pipeline visits: process, tier 2', 20],
    ])
    expect(reserved(plain.template).filter(([, count]) => count !== undefined)).toEqual([])
  })

  it('is refused when it has more numbers than there are tiers, or a number below 1', () => {
    expect(() => synthesise({ reservedConcurrency: [1, 2, 3] })).toThrow(
      'reservedConcurrency: expected at most one for each of 2 tiers, got 3',
    )
    expect(() => synthesise({ reservedConcurrency: [0] })).toThrow('reservedConcurrency[0]: expected a whole number')
  })
})

describe('alarms', () => {
  const alarmOf = (template: Template, name: string) =>
    Object.entries(template.findResources('AWS::CloudWatch::Alarm')).find(([id]) => id.includes(name))?.[1].Properties

  it('watch failed, timed out and aborted executions, lasting throttles, and undelivered and lost events', () => {
    const alarms = Object.values(plain.template.findResources('AWS::CloudWatch::Alarm')).map(each => each.Properties)
    expect(alarms.map(({ MetricName }) => MetricName ?? 'Throttles').sort()).toEqual([
      'ApproximateNumberOfMessagesVisible',
      'ExecutionsAborted',
      'ExecutionsFailed',
      'ExecutionsTimedOut',
      'InvocationsFailedToBeSentToDlq',
      'Throttles',
    ])
    const { Metrics, EvaluationPeriods } = alarmOf(plain.template, 'ThrottledAlarm')!
    expect(EvaluationPeriods).toBe(3)
    expect(Metrics.filter((each: { MetricStat?: object }) => each.MetricStat)).toHaveLength(5)
  })

  it('watch at most ten functions for throttles, because one alarm has at most ten metrics', () => {
    const tiers = Array.from({ length: 12 }, () => ({ memoryMb: 3008, threads: 2, temporaryStorageMb: 512 }))
    const { Metrics } = alarmOf(synthesise({ tiers }).template, 'ThrottledAlarm')!
    expect(Metrics.filter((each: { MetricStat?: object }) => each.MetricStat)).toHaveLength(10)
  })

  it('go off when no execution succeeded for noRunAlarmAfter', () => {
    const { template } = synthesise({ noRunAlarmAfter: Duration.hours(26) })
    expect(alarmOf(template, 'NoRunAlarm')).toMatchObject({
      ...{ MetricName: 'ExecutionsSucceeded', Period: 3600, EvaluationPeriods: 26, Threshold: 1 },
      ...{ ComparisonOperator: 'LessThanThreshold', TreatMissingData: 'breaching' },
    })
    expect(alarmOf(plain.template, 'NoRunAlarm')).toBeUndefined()
    expect(() => synthesise({ noRunAlarmAfter: Duration.minutes(90) })).toThrow('noRunAlarmAfter in hours')
    expect(() => synthesise({ noRunAlarmAfter: Duration.days(8) })).toThrow('from 1 to 168')
  })
})

describe('the state machine', () => {
  it('is a construct, for grants, rules and metrics of the app', () => {
    const { pipeline, stack } = synthesise()
    const role = new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    pipeline.stateMachine.grantStartExecution(role)
    expect(pipeline.stateMachine.stateMachineArn).toBe(pipeline.stateMachineArn)
    expect(Stack.of(pipeline.stateMachine)).toBe(stack)
  })
})

describe('allowShip', () => {
  const roles = ['Plan', 'Process1', 'Process2', 'Commit', 'Graph'].map(name => `Visits${name}Role`)
  const shipOf = (template: Template) =>
    functionsOf(template).map(each => each.Properties.Environment.Variables.FANMILL_ALLOW_SHIP)

  it('lets each function read shipped code, and only Plan and Commit, which write all state, write it', () => {
    const { template } = synthesise({ allowShip: true, outputPrefix: 'lake/' })
    expect(shipOf(template)).toEqual(roles.map(() => 'true'))
    for (const role of roles) {
      const pairs = allowed(template, role)
      const reads = pairs.filter(pair => /^s3:GetObject .*lake\/\.fanmill\/(shipped\/)?\*$/.test(pair))
      expect(reads, role).toHaveLength(1)
      const writes = pairs.filter(pair => /^s3:PutObject .*lake\/\.fanmill\/(shipped\/)?\*$/.test(pair))
      expect(writes, role).toHaveLength(/Plan|Commit/.test(role) ? 1 : 0)
    }
    expect(new Set(shipOf(plain.template))).toEqual(new Set([undefined]))
    for (const role of roles) expect(allowed(plain.template, role).join('\n')).not.toContain('shipped')
  })

  it('adds an output with the facts by which the command line ships code, without a path of this machine', () => {
    const shipIn = (template: Template) => {
      const values = Object.entries(template.findOutputs('*')).map(([name, { Value }]) => [name, shown(Value)])
      return pipelinesIn('Test', Object.fromEntries(values))[0]?.ship
    }
    const ship = shipIn(synthesise({ allowShip: true }).template)
    const hash = expect.stringMatching(/^[\da-f]{16}$/)
    expect(ship).toEqual({
      versions: [expect.stringMatching(/^fanmill@/), expect.stringMatching(/^engine@/)],
      needs: { inputs: hash, outputs: hash, calls: hash, secrets: hash, discover: hash, tasks: hash },
      include: ['models/**'],
      external: {},
    })
    expect(JSON.stringify(ship).length).toBeLessThan(1024)
    expect(shipIn(plain.template)).toBeUndefined()
  })
})
