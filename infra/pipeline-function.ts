/** One Lambda function of a pipeline, with a role and a log group of its own. */
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib'
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { acknowledgeWildcards } from './acknowledge.ts'
import { checkEnvironment } from './environment-size.ts'
import { allow } from './statements.ts'

export interface PipelineFunctionProps {
  readonly code: Code
  readonly handler: 'plan' | 'process' | 'commit' | 'start'
  readonly description: string
  readonly architecture: 'arm64' | 'x86_64'
  readonly memoryMb: number
  readonly temporaryStorageMb: number
  readonly timeout: Duration
  readonly threads: number
  readonly environment: Readonly<Record<string, string>>
  readonly statements: readonly PolicyStatement[]
  readonly logRetention: RetentionDays
  /** Of what it only reads. */
  readonly inputKeys: readonly IKey[]
  /** Of what it writes, and reads again. */
  readonly outputKeys: readonly IKey[]
}

export class PipelineFunction extends Construct {
  readonly function: LambdaFunction
  readonly logGroup: LogGroup
  readonly role: Role

  constructor(scope: Construct, id: string, props: PipelineFunctionProps) {
    super(scope, id)
    this.logGroup = new LogGroup(this, 'Log', { retention: props.logRetention, removalPolicy: RemovalPolicy.DESTROY })
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    const statements = [
      ...props.statements,
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]),
    ]
    for (const statement of statements) this.role.addToPolicy(statement)
    for (const key of props.inputKeys) key.grant(this.role, 'kms:Decrypt')
    for (const key of props.outputKeys) key.grant(this.role, 'kms:Decrypt', 'kms:GenerateDataKey')
    acknowledgeWildcards(
      this.role,
      statements,
      'each ends the prefix of one place of this pipeline, or stands for the run, the batch or the log stream in a name',
    )
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
    })
  }
}

/** Lambda's own limit. */
export const functionTimeoutMax = Duration.minutes(15)
