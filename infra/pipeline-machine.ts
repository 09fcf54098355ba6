/** The state machine of a pipeline and its role. */
import { Aws, Names, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Policy, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import {
  DefinitionBody,
  LogLevel,
  type LogOptions,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { integrationNames, substitutions } from '../lib/aws/invoke-states.ts'
import { makeStateMachine, type StateMachineOptions } from '../lib/aws/state-machine.ts'
import type { Permission } from '../lib/define/tasks/action-definition.ts'
import { acknowledge, acknowledgeWildcards } from './acknowledge.ts'
import { allow, permissionStatement } from './statements.ts'

/** Props of the construct for the logs and traces of its state machine. */
export interface MachineLogProps {
  /**
   * Events of executions that go to a log group of the state machine, for `logRetention`; inputs and outputs of states are
   * not among them. Log delivery needs a policy on all resources.
   * @default LogLevel.OFF: the history of each execution is kept by Step Functions for 90 days
   * @example LogLevel.ERROR
   */
  readonly stateMachineLogLevel?: LogLevel
  /**
   * Whether X-Ray traces the state machine and the functions. It costs by the trace, and needs a policy on all resources.
   * @default false
   */
  readonly tracing?: boolean
}

export interface PipelineMachineProps extends Omit<StateMachineOptions, 'tierCount'>, MachineLogProps {
  readonly plan: IFunction
  /** One function for each tier, smallest first. */
  readonly process: readonly IFunction[]
  readonly commit: IFunction
  readonly graph: IFunction
  readonly output: IBucket
  /** Prefix of all state: the Maps read their items there. */
  readonly state: string
  /** Keys of the state. */
  readonly outputKeys: readonly IKey[]
  /** The permissions that the services need which tasks of the pipeline call. */
  readonly permissions: readonly Permission[]
  readonly logRetention: RetentionDays
  readonly logEncryptionKey?: IKey | undefined
}

export class PipelineMachine extends Construct {
  readonly stateMachine: StateMachine

  constructor(scope: Construct, id: string, props: PipelineMachineProps) {
    super(scope, id)
    const { process, outputKeys, tracing = false } = props
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') })
    const logs = makeLogs(this, props)
    this.stateMachine = new StateMachine(this, 'Machine', {
      role,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(
        JSON.stringify(makeStateMachine({ ...props, tierCount: process.length })),
      ),
      definitionSubstitutions: substitutionsOf(props),
      tracingEnabled: tracing,
      logs,
    })
    const statements = machineStatements(this.stateMachine, props)
    // A policy of its own, because one within the role would make role and machine depend on each other.
    const policy = new Policy(this, 'Policy', { roles: [role], statements })
    acknowledgeWildcards(policy, statements, 'stands for the run and for the execution in a name of this pipeline')
    const own = props.permissions.map(permissionStatement)
    if (own.length > 0) {
      const calls = new Policy(this, 'Calls', { roles: [role], statements: own })
      acknowledgeWildcards(calls, own, 'is what a task of the pipeline declares for the service that it calls')
    }
    for (const key of outputKeys) key.grant(role, 'kms:Decrypt')
    if (logs || tracing)
      acknowledge(role, 'IAM5[Resource::*]', 'log delivery and traces have no resource that a policy could name before')
    acknowledgeLogs(this.stateMachine, { isLogged: logs?.level === LogLevel.ALL, isTraced: tracing })
  }
}

function substitutionsOf({
  plan,
  process,
  commit,
  graph,
  integrations = [],
}: PipelineMachineProps): Record<string, string> {
  return {
    ...Object.fromEntries(
      [...integrationNames, ...integrations].map(name => [
        substitutions.integration(name),
        `arn:${Aws.PARTITION}:states:::${name}`,
      ]),
    ),
    [substitutions.plan]: plan.functionArn,
    [substitutions.commit]: commit.functionArn,
    [substitutions.graph]: graph.functionArn,
    ...Object.fromEntries(process.map((tier, index) => [substitutions.process(index), tier.functionArn])),
  }
}

function machineStatements(
  { stateMachineArn: arn, stateMachineName: name }: StateMachine,
  { plan, process, commit, graph, output, state }: PipelineMachineProps,
): PolicyStatement[] {
  // The children of Maps are executions of the same machine, and those of a Map within a Map of its children.
  const children = `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:execution:${name}/*`
  return [
    allow(
      ['lambda:InvokeFunction'],
      [plan, ...process, commit, graph].map(each => each.functionArn),
    ),
    allow(
      ['s3:GetObject'],
      [`${state}runs/*`, `${state}graphs/*`].map(pattern => output.arnForObjects(pattern)),
    ),
    allow(['states:StartExecution'], [arn]),
    allow(['states:DescribeExecution', 'states:StopExecution'], [children]),
  ]
}

/** Makes a log group below `/aws/vendedlogs/`, which needs no entry in the resource policy of CloudWatch Logs, whose size is limited. */
function makeLogs(scope: Construct, props: PipelineMachineProps): LogOptions | undefined {
  const { stateMachineLogLevel: level = LogLevel.OFF, logRetention: retention, logEncryptionKey } = props
  if (level === LogLevel.OFF) return undefined
  const name = Names.uniqueResourceName(scope, { maxLength: 80, separator: '-' })
  const destination = new LogGroup(scope, 'Log', {
    logGroupName: `/aws/vendedlogs/states/${Stack.of(scope).stackName}-${name}`,
    retention,
    removalPolicy: RemovalPolicy.DESTROY,
    encryptionKey: logEncryptionKey,
  })
  return { destination, level, includeExecutionData: false }
}

function acknowledgeLogs(machine: StateMachine, { isLogged, isTraced }: Record<'isLogged' | 'isTraced', boolean>) {
  if (!isLogged)
    acknowledge(
      machine,
      'SF1',
      'a standard machine keeps the history of its executions, and the functions log; stateMachineLogLevel turns log delivery on, which needs a policy on all resources',
    )
  if (!isTraced)
    acknowledge(
      machine,
      'SF2',
      'the times of each batch are in its outcome; tracing turns traces on, which need a policy on all resources',
    )
}
