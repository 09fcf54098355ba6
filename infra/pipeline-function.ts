/** One Lambda function of a pipeline, with a role and a log group of its own. */
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Architecture, type Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { acknowledgeWildcards } from './acknowledge.ts'
import { checkEnvironment } from './environment-size.ts'
import { type FunctionNetwork, networkStatement } from './function-network.ts'
import { allow } from './statements.ts'

export interface PipelineFunctionProps {
  readonly code: Code
  readonly handler: 'plan' | 'process' | 'commit' | 'graph' | 'start'
  readonly description: string
  readonly architecture: 'arm64' | 'x86_64'
  readonly memoryMb: number
  readonly temporaryStorageMb: number
  readonly timeout: Duration
  readonly threads: number
  readonly environment: Readonly<Record<string, string>>
  readonly statements: readonly PolicyStatement[]
  readonly logRetention: RetentionDays
  /** Keys of objects that it only reads. */
  readonly inputKeys: readonly IKey[]
  /** Keys of objects that it writes and reads again. */
  readonly outputKeys: readonly IKey[]
  readonly network?: FunctionNetwork | undefined
  readonly logEncryptionKey?: IKey | undefined
  readonly environmentEncryptionKey?: IKey | undefined
  readonly isTraced?: boolean
  readonly reservedConcurrency?: number | undefined
}

export class PipelineFunction extends Construct {
  readonly function: LambdaFunction
  readonly logGroup: LogGroup
  readonly role: Role

  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    super(scope, id)
    const { logRetention: retention, logEncryptionKey, environmentEncryptionKey, reservedConcurrency } = props
    const encryptionKey = logEncryptionKey
    this.logGroup = new LogGroup(this, 'Log', { retention, removalPolicy: RemovalPolicy.DESTROY, encryptionKey })
    this.role = makeRole(this, this.logGroup, props)
    const environment = {
      ...props.environment,
      NODE_OPTIONS: '--enable-source-maps',
      UV_THREADPOOL_SIZE: String(2 * props.threads + 4),
    }
    checkEnvironment(this, environment)
    this.function = new LambdaFunction(this, 'Function', {
      code: props.code,
      handler: `${props.handler}.handler`,
      runtime: Runtime.NODEJS_24_X,
      architecture: props.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      description: props.description,
      memorySize: props.memoryMb,
      ephemeralStorageSize: Size.mebibytes(props.temporaryStorageMb),
      timeout: props.timeout,
      role: this.role,
      logGroup: this.logGroup,
      environment,
      ...props.network,
      environmentEncryption: environmentEncryptionKey,
      tracing: props.isTraced ? Tracing.ACTIVE : undefined,
      reservedConcurrentExecutions: reservedConcurrency,
    })
  }
}

/** Limit of Lambda. */
export const functionTimeoutMax = Duration.minutes(15)

function makeRole(scope: Construct, logGroup: LogGroup, props: PipelineFunctionProps): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  const statements = [...props.statements, allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn])]
  const unbound = [
    ...(props.network ? [networkStatement()] : []),
    ...(props.isTraced ? [allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ['*'])] : []),
  ]
  for (const statement of [...statements, ...unbound]) role.addToPolicy(statement)
  for (const key of props.inputKeys) key.grant(role, 'kms:Decrypt')
  for (const key of props.outputKeys) key.grant(role, 'kms:Decrypt', 'kms:GenerateDataKey')
  props.environmentEncryptionKey?.grantDecrypt(role)
  acknowledgeWildcards(
    role,
    statements,
    'each ends the prefix of one place of this pipeline, or stands for the run, the batch or the log stream in a name',
  )
  acknowledgeWildcards(role, unbound, 'network interfaces and traces have no resource that a policy could name before')
  return role
}
