/** Settings of a function from its environment: data roots, pipeline, and resources of its tier. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as v from 'valibot'
import { assetNames, type LambdaEnvironment, type Tier } from '../aws/lambda-events.ts'
import { timeoutSecondsMax } from '../aws/tier.ts'
import { PermanentError } from '../errors/errors.ts'
import { record } from '../errors/record-schema.ts'
import type { StoreSpec } from '../store/open-store.ts'
import { rootSpec } from '../store/roots.ts'

export interface LambdaSettings {
  readonly pipeline: string
  /** File URL of the user's module. */
  readonly pipelineUrl: string
  /** Whether executions may bring code of their own. */
  readonly allowShip: boolean
  readonly input: StoreSpec
  readonly output: StoreSpec
  /** Tiers of Process, smallest first. */
  readonly tiers: readonly [Tier, ...Tier[]]
  /** Tier of this function. */
  readonly tier: Tier
  /** ARNs by name, for secrets that cannot be found by their name. */
  readonly secretArns: Readonly<Record<string, string>>
  /** Timeout of any of the functions. */
  readonly timeoutSeconds: number
  /** Time to wait for more uploads before a run over all of them begins. */
  readonly settleMs: number
  /** Small in tests, to have many batches of little text. */
  readonly groupBytes?: number | undefined
}

/** Variables that the construct sets; those below are for tests and for hosts other than Lambda. */
interface Variables extends Partial<LambdaEnvironment> {
  /** A folder, or s3://bucket/prefix; replaces bucket and prefix. */
  readonly FANMILL_INPUT?: string | undefined
  readonly FANMILL_OUTPUT?: string | undefined
  readonly FANMILL_PIPELINE_URL?: string | undefined
  /** Seconds, default 5. */
  readonly FANMILL_SETTLE_SECONDS?: string | undefined
  readonly FANMILL_GROUP_BYTES?: string | undefined
  readonly LAMBDA_TASK_ROOT?: string | undefined
}

/** @throws USAGE naming the variable that is missing or wrong */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): LambdaSettings {
  const variables = env as Variables
  const tiers = jsonOf('FANMILL_TIERS', variables.FANMILL_TIERS, tiersSchema) as [Tier, ...Tier[]]
  const [smallest] = tiers
  const { FANMILL_GROUP_BYTES: groupBytes } = variables
  return {
    pipeline: required('FANMILL_PIPELINE', variables.FANMILL_PIPELINE),
    pipelineUrl:
      variables.FANMILL_PIPELINE_URL ||
      pathToFileURL(join(required('LAMBDA_TASK_ROOT', variables.LAMBDA_TASK_ROOT), assetNames.pipeline)).href,
    allowShip: variables.FANMILL_ALLOW_SHIP === 'true',
    input: rootOf('FANMILL_INPUT', env, {}),
    output: rootOf('FANMILL_OUTPUT', env, { kmsKeyId: variables.FANMILL_KMS_KEY || undefined }),
    tiers,
    tier: {
      memoryMb: Number(variables.FANMILL_MEMORY_MB || smallest.memoryMb),
      threads: Number(variables.FANMILL_THREADS || smallest.threads || availableParallelism()),
      temporaryStorageMb: Number(variables.FANMILL_STORAGE_MB || smallest.temporaryStorageMb),
    },
    timeoutSeconds: Number(variables.FANMILL_TIMEOUT_SECONDS || timeoutSecondsMax),
    secretArns: jsonOf('FANMILL_SECRETS', variables.FANMILL_SECRETS || '{}', texts),
    settleMs: Number(variables.FANMILL_SETTLE_SECONDS || 5) * 1000,
    groupBytes: groupBytes ? Number(groupBytes) : undefined,
  }
}

const texts = record(v.string(), v.string())
const count = v.pipe(v.number(), v.integer(), v.minValue(1))
const tiersSchema = v.pipe(
  v.array(v.object({ memoryMb: count, threads: count, temporaryStorageMb: count })),
  v.minLength(1),
)

function rootOf(
  name: 'FANMILL_INPUT' | 'FANMILL_OUTPUT',
  env: Readonly<Record<string, string | undefined>>,
  access: { readonly kmsKeyId?: string | undefined },
): StoreSpec {
  const root = env[name]
  if (root) return rootSpec(root, access)
  const bucket = required(`${name}_BUCKET`, env[`${name}_BUCKET`])
  return { kind: 's3', bucket, prefix: env[`${name}_PREFIX`] ?? '', kmsKeyId: access.kmsKeyId }
}

function required(name: string, value: string | undefined): string {
  if (value) return value
  const message = `expected the environment variable ${name}, which the construct sets, got nothing`
  throw new PermanentError('USAGE', message, { name })
}

function jsonOf<Schema extends v.GenericSchema>(name: string, value: string | undefined, schema: Schema) {
  try {
    return v.parse(schema, JSON.parse(required(name, value)))
  } catch (cause) {
    if (cause instanceof PermanentError) throw cause
    const message = `environment variable ${name}: expected JSON as the construct writes it, got ${value}`
    throw new PermanentError('USAGE', message, { name }, { cause })
  }
}
