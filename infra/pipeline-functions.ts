/** The Lambda functions of a pipeline: one that plans, one for each tier that processes, one that commits, one that walks graphs. */
import type { LambdaEnvironment } from '../lib/aws/lambda-events.ts'
import type { Places } from '../lib/aws/places.ts'
import type { PipelineBundle } from './bundle-asset.ts'
import type { FunctionNetwork } from './function-network.ts'
import { PipelineFunction } from './pipeline-function.ts'
import type { PipelineKeys } from './pipeline-keys.ts'
import type { PipelineProps } from './pipeline-options.ts'
import type { PipelineScope } from './pipeline-parts.ts'
import { findSecrets } from './pipeline-secrets.ts'
import {
  answerStatement,
  commitStatements,
  discoverStatements,
  graphStatements,
  planStatements,
  processStatements,
  shippedStatements,
} from './statements.ts'

/** Values that the constructs of one pipeline share. */
export interface PipelineContext {
  /** Network of all functions. */
  readonly network: FunctionNetwork | undefined
  readonly bundle: PipelineBundle
  readonly places: Places
  readonly keys: PipelineKeys
  readonly props: PipelineProps
}

export function makeFunctions(pipeline: PipelineScope, context: PipelineContext) {
  const { bundle, places, keys, props } = context
  const { tiers, memoryMb, functionTimeout: timeout, enforceConditionalWrites } = props
  const { name } = bundle.pipeline
  const { input, output } = pipeline
  const environment = environmentOf(pipeline, context)
  const common = { ...commonProps(context), timeout, ...keys }
  const small = { ...common, memoryMb, temporaryStorageMb: 512, threads: 1, environment }
  const where = { places, input, output }
  const { discovers } = bundle
  const secrets = findSecrets(pipeline, bundle.pipeline, props.secrets)
  const shipped = props.allowShip ? shippedStatements(where) : []
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
        statements: [
          ...processStatements({ ...where, enforceConditionalWrites }),
          ...(discovers ? [answerStatement(where)] : []),
          ...shipped,
          ...secrets.statements,
        ],
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
    graph: new PipelineFunction(pipeline, 'Graph', {
      ...small,
      ...(!discovers && { inputKeys: [] }),
      handler: 'graph',
      description: describe('graph'),
      statements: [...graphStatements(where), ...(discovers ? discoverStatements(where) : []), ...shipped],
    }),
  }
}

/** Props of the function that starts executions: those of Plan, with less memory. */
export function starterProps(pipeline: PipelineScope, context: PipelineContext) {
  return {
    ...{ ...commonProps(context), inputKeys: [], outputKeys: [] },
    ...{ memoryMb: 512, temporaryStorageMb: 512, threads: 1, environment: environmentOf(pipeline, context) },
    description: `Fanmill pipeline ${context.bundle.pipeline.name}: start`,
  }
}

/** Props of every function. */
function commonProps({ bundle, network, props }: PipelineContext) {
  const { architecture, logRetention, logEncryptionKey, environmentEncryptionKey, tracing: isTraced } = props
  const { code } = bundle
  return { code, network, architecture, logRetention, logEncryptionKey, environmentEncryptionKey, isTraced }
}

function environmentOf(
  { input, output }: PipelineScope,
  { bundle, props }: PipelineContext,
): Readonly<Record<string, string>> {
  const environment = {
    FANMILL_INPUT_BUCKET: input.bucketName,
    FANMILL_INPUT_PREFIX: props.inputPrefix,
    FANMILL_OUTPUT_BUCKET: output.bucketName,
    FANMILL_OUTPUT_PREFIX: props.outputPrefix,
    FANMILL_PIPELINE: bundle.pipeline.name,
    FANMILL_TIERS: JSON.stringify(props.tiers),
    FANMILL_TIMEOUT_SECONDS: `${props.functionTimeout.toSeconds()}`,
    ...(props.allowShip && { FANMILL_ALLOW_SHIP: 'true' }),
    ...(props.encryptionKey && { FANMILL_KMS_KEY: props.encryptionKey.keyArn }),
  } satisfies LambdaEnvironment
  return environment
}
