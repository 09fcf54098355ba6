/** Synthesizes stacks with one pipeline, and reads their templates. */
import { join } from 'node:path'
import { App, type AppProps, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Key } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { LogLevel } from 'aws-cdk-lib/aws-stepfunctions'
import { FanmillPipeline, type FanmillPipelineProps, largeTiers } from '../../infra/index.ts'

export const pipelineFile = (name: string): string => join(import.meta.dirname, 'pipelines', name)

export interface Deployed {
  readonly stack: Stack
  readonly pipeline: FanmillPipeline
  readonly template: Template
}

/** Architecture of this machine, so that no binding is fetched. */
export const ownArchitecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'

/** An app that does not copy its assets: 75 MB for each pipeline, where a test reads only the template. */
export const templateApp = ({ context, ...props }: AppProps = {}): App =>
  new App({ ...props, context: { 'aws:cdk:disable-asset-staging': true, ...context } })

/** The rules of CloudFormation take 1 to 3 seconds of CPU time a file of tests: they check the app with every prop, and those for cdk-nag. */
const withoutRules = { '@aws-cdk/core:validateAgainstDefaultRules': false }

export function synthesise(
  props: Partial<FanmillPipelineProps> | ((stack: Stack) => Partial<FanmillPipelineProps>) = {},
): Deployed {
  const stack = new Stack(templateApp({ context: withoutRules }), 'Test')
  const given = typeof props === 'function' ? props(stack) : props
  const pipeline = new FanmillPipeline(stack, 'Visits', {
    entry: pipelineFile('visits.ts'),
    architecture: ownArchitecture,
    include: ['models/**'],
    ...given,
  })
  return { stack, pipeline, template: Template.fromStack(stack) }
}

/** Returns the warnings of synthesis. */
export const warningsOf = (stack: Stack): string[] =>
  stack.node.findAll().flatMap(({ node }) => node.metadata.map(({ data }) => String(data)))

export interface Statement {
  readonly Effect: string
  readonly Action: readonly string[]
  /** References as `<LogicalId.Attribute>`. */
  readonly Resource: readonly string[]
  readonly Condition?: unknown
  readonly Sid?: string
}

/** Returns all statements of the policies of a role, which is found by the beginning of its logical id. */
export function statementsOf(template: Template, role: string): Statement[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter(policy =>
    policy.Properties.Roles.some((one: { Ref: string }) => one.Ref.startsWith(role)),
  )
  return policies
    .flatMap(policy => policy.Properties.PolicyDocument.Statement)
    .map(statement => ({
      ...statement,
      Action: [statement.Action].flat(),
      Resource: [statement.Resource].flat().map(shown),
    }))
}

/** Returns the permissions of a role as `action resource`, with logical ids without their suffixes. */
export function allowed(template: Template, role: string): string[] {
  const pairs = statementsOf(template, role)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, Resource }) => Action.flatMap(action => Resource.map(resource => `${action} ${resource}`)))
  return pairs.map(pair => pair.replace(/<Visits([A-Za-z\d]+?)[0-9A-F]{8}(?:\.Arn)?>/g, '$1')).sort()
}

/** Formats a value of a template, with references as `<LogicalId.Attribute>`. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value
  const {
    Ref,
    'Fn::GetAtt': attribute,
    'Fn::Join': join,
  } = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] }
  if (Ref) return `<${Ref}>`
  if (attribute) return `<${attribute.join('.')}>`
  return join ? join[1].map(shown).join(join[0]) : JSON.stringify(value)
}

/** Returns every prop of the construct that can be combined, with a value that is not its default. */
export function everyProp(stack: Stack): Partial<FanmillPipelineProps> {
  const encryptionKey = new Key(stack, 'EveryKey', { enableKeyRotation: true })
  const secret = Secret.fromSecretAttributes(stack, 'EverySecret', {
    secretPartialArn: `arn:aws:secretsmanager:${stack.region}:${stack.account}:secret:weather`,
    encryptionKey: new Key(stack, 'EverySecretKey', { enableKeyRotation: true }),
  })
  return {
    inputPrefix: 'in/',
    outputPrefix: 'out/',
    encryptionKey,
    secrets: { 'weather/api-key': secret },
    tiers: largeTiers,
    memoryMb: 2048,
    enforceConditionalWrites: true,
    maxConcurrency: 50,
    functionTimeout: Duration.minutes(10),
    executionTimeout: Duration.hours(12),
    logRetention: RetentionDays.ONE_WEEK,
    alarmsTopic: new Topic(stack, 'EveryTopic', { enforceSSL: true, masterKey: encryptionKey }),
    dashboard: true,
    allowShip: true,
    trigger: true,
    uploads: 'queue',
    uploadWindow: Duration.minutes(1),
    removalPolicy: RemovalPolicy.DESTROY,
    noncurrentVersionExpiration: Duration.days(7),
    vpc: givenVpc(stack),
    logEncryptionKey: new Key(stack, 'EveryLogKey', { enableKeyRotation: true }),
    environmentEncryptionKey: new Key(stack, 'EveryEnvironmentKey', { enableKeyRotation: true }),
    stateMachineLogLevel: LogLevel.ALL,
    tracing: true,
    reservedConcurrency: [50, undefined, 5],
    noRunAlarmAfter: Duration.hours(26),
  }
}

export function givenVpc(stack: Stack): IVpc {
  return Vpc.fromVpcAttributes(stack, 'GivenVpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-west-1a', 'eu-west-1b'],
    privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  })
}
