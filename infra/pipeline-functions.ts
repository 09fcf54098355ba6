/** The Lambda functions of a pipeline: one that plans, one a tier that processes, one that commits. */
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { LambdaEnvironment } from '../lib/aws/lambda-events.ts'
import type { PipelineBundle } from './bundle-asset.ts'
import type { FanmillPipeline, FanmillPipelineProps } from './fanmill-pipeline.ts'
import type { FunctionNetwork } from './function-network.ts'
import { functionTimeoutMax, PipelineFunction } from './pipeline-function.ts'
import type { PipelineKeys } from './pipeline-keys.ts'
import { pipelineSecrets } from './pipeline-secrets.ts'
import type { Places } from './places.ts'
import { commitStatements, planStatements, processStatements } from './statements.ts'
import { modestTiers } from './tiers.ts'

/** What the constructs of a pipeline are made of. */
export interface Making {
  /** The network of all functions. */
  readonly network: FunctionNetwork | undefined
  readonly bundle: PipelineBundle
  readonly places: Places
  readonly keys: PipelineKeys
  readonly props: FanmillPipelineProps
}

export const prefixesOf = ({ inputPrefix = '', outputPrefix = '' }: FanmillPipelineProps) => ({
  inputPrefix,
  outputPrefix,
})

/** Props of the construct for the accounts that its functions run in. */
export interface FunctionAccountProps {
  /**
   * Encrypts the environment variables of the functions, which hold names of buckets and of secrets, and no values of secrets.
   * @default the key that Lambda manages
   * @example new Key(this, 'EnvironmentKey', { enableKeyRotation: true })
   */
  readonly environmentEncryptionKey?: IKey
  /**
   * Concurrent invocations reserved for Process, by tier in the order of `tiers`. A reservation bounds all executions of the
   * pipeline together, where `maxConcurrency` bounds one, and is taken from the account's: Lambda refuses it when fewer than 100
   * unreserved ones would be left, so that an account with a limit of 100 or less cannot have any.
   * @default none: Process shares what the account has
   * @example [50, 10]
   */
  readonly reservedConcurrency?: readonly (number | undefined)[]
}

export function makeFunctions(pipeline: FanmillPipeline, making: Making) {
  const { bundle, places, keys, props } = making
  const {
    tiers = modestTiers,
    memoryMb = 1769,
    architecture = 'arm64',
    functionTimeout: timeout = functionTimeoutMax,
  } = props
  const { logRetention = RetentionDays.ONE_MONTH } = props
  const { name } = bundle.pipeline
  const { input, output } = pipeline
  const environment = environmentOf(pipeline, making)
  const common = { code: bundle.code, architecture, timeout, logRetention, ...keys, ...accountOf(making) }
  const small = { ...common, memoryMb, temporaryStorageMb: 512, threads: 1, environment }
  const where = { places, input, output }
  const writeConditions = { enforceConditionalWrites: props.enforceConditionalWrites ?? false }
  const secrets = pipelineSecrets(pipeline, bundle.pipeline, props.secrets)
  const describe = (what: string): string => `Fanmill pipeline ${name}: ${what}`
  return {
    plan: new PipelineFunction(pipeline, 'Plan', {
      ...small,
      handler: 'plan',
      description: describe('plan'),
      statements: planStatements(where),
    }),
    process: tiers.map((tier, index) => {
      const made = new PipelineFunction(pipeline, `Process${index + 1}`, {
        ...{ ...common, ...tier, handler: 'process', description: describe(`process, tier ${index + 1}`) },
        reservedConcurrency: props.reservedConcurrency?.[index],
        environment: {
          ...environment,
          ...secrets.environment,
          FANMILL_THREADS: `${tier.threads}`,
          FANMILL_MEMORY_MB: `${tier.memoryMb}`,
          FANMILL_STORAGE_MB: `${tier.temporaryStorageMb}`,
        },
        statements: [...processStatements({ ...where, ...writeConditions }), ...secrets.statements],
      })
      secrets.grantDecrypt(made.role)
      return made
    }),
    commit: new PipelineFunction(pipeline, 'Commit', {
      ...small,
      inputKeys: [],
      handler: 'commit',
      description: describe('commit'),
      statements: commitStatements(where),
    }),
  }
}

/** As Plan has it, with less memory. */
export function starterProps(pipeline: FanmillPipeline, making: Making) {
  const { architecture = 'arm64', logRetention = RetentionDays.ONE_MONTH } = making.props
  const { code, pipeline: definition } = making.bundle
  return {
    ...{ code, architecture, logRetention, inputKeys: [], outputKeys: [] },
    ...{ memoryMb: 512, temporaryStorageMb: 512, threads: 1, environment: environmentOf(pipeline, making) },
    description: `Fanmill pipeline ${definition.name}: start`,
    ...accountOf(making),
  }
}

/** Returns what the account asks of every function. */
function accountOf({ network, props }: Making) {
  const { logEncryptionKey, environmentEncryptionKey, tracing: isTraced = false } = props
  return { network, logEncryptionKey, environmentEncryptionKey, isTraced }
}

function environmentOf(
  { input, output }: FanmillPipeline,
  { bundle, props }: Making,
): Readonly<Record<string, string>> {
  const { inputPrefix, outputPrefix } = prefixesOf(props)
  const environment = {
    FANMILL_INPUT_BUCKET: input.bucketName,
    FANMILL_INPUT_PREFIX: inputPrefix,
    FANMILL_OUTPUT_BUCKET: output.bucketName,
    FANMILL_OUTPUT_PREFIX: outputPrefix,
    FANMILL_PIPELINE: bundle.pipeline.name,
    FANMILL_TIERS: JSON.stringify(props.tiers ?? modestTiers),
    FANMILL_TIMEOUT_SECONDS: `${(props.functionTimeout ?? functionTimeoutMax).toSeconds()}`,
    ...(props.encryptionKey && { FANMILL_KMS_KEY: props.encryptionKey.keyArn }),
  } satisfies LambdaEnvironment
  return environment
}
