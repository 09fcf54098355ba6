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
  /** The asset of the pipeline, which all of its functions share. */
  readonly code: Code
  /** Entry of the asset that runs. */
  readonly handler: 'plan' | 'process' | 'commit' | 'graph' | 'start'
  /** Text that the console shows. */
  readonly description: string
  /** Processor of the function. */
  readonly architecture: 'arm64' | 'x86_64'
  /** Memory in MiB, 512 to 10,240. */
  readonly memoryMb: number
  /** Size of `/tmp` in MiB, 512 to 10,240. */
  readonly temporaryStorageMb: number
  /** Longest time of an invocation, up to 15 minutes. */
  readonly timeout: Duration
  /** Worker threads. */
  readonly threads: number
  /** Environment variables, beside those of Node. */
  readonly environment: Readonly<Record<string, string>>
  /** Rights of its role, beside writing its log. */
  readonly statements: readonly PolicyStatement[]
  /** Days that its log is kept. */
  readonly logRetention: RetentionDays
  /** Keys of objects that it only reads. */
  readonly inputKeys: readonly IKey[]
  /** Keys of objects that it writes and reads again. */
  readonly outputKeys: readonly IKey[]
  /** Network in which it runs. Default none. */
  readonly network?: FunctionNetwork | undefined
  /** Key of its log. Default CloudWatch's own. */
  readonly logEncryptionKey?: IKey | undefined
  /** Key of its environment variables. Default Lambda's own. */
  readonly environmentEncryptionKey?: IKey | undefined
  /** Whether X-Ray gets its traces. Default false. */
  readonly isTraced?: boolean
  /** Invocations at the same time that the account keeps for it, and its limit. Default the account's. */
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
