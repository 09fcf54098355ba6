/** The secrets of a pipeline: found by their names, or given by the app with their keys. */
import { Stack } from 'aws-cdk-lib'
import type { IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import type { LambdaEnvironment } from '../lib/aws/lambda-events.ts'
import type { PipelineDefinition } from '../lib/define/definition.ts'
import type { PermanentError } from '../lib/errors/errors.ts'
import { didYouMean } from '../lib/errors/nearest.ts'
import { invalidProp } from './invalid-prop.ts'
import { secretStatements, secretSuffix } from './statements.ts'

/** Permissions and environment of a function that reads secrets. */
export interface PipelineSecrets {
  readonly statements: readonly PolicyStatement[]
  readonly environment: Pick<LambdaEnvironment, 'FANMILL_SECRETS'>
  /** Lets the function decrypt with the keys of the secrets that the app gives. */
  grantDecrypt(reader: IGrantable): void
}

/** @throws DEFINITION_INVALID for a secret of the app that no task uses */
export function findSecrets(
  scope: Construct,
  { tasks }: PipelineDefinition,
  given: Readonly<Record<string, ISecret>> = {},
): PipelineSecrets {
  const names = tasks.flatMap(task => Object.values(task.secrets ?? {})).map(secret => secret.name)
  const stray = Object.keys(given).find(name => !names.includes(name))
  if (stray !== undefined) throw unusedSecret(stray, [...new Set(names)])
  const arns = Object.fromEntries(Object.entries(given).map(([name, { secretArn }]) => [name, secretArn]))
  const keys = new Set(Object.values(given).flatMap(({ encryptionKey = [] }) => encryptionKey))
  return {
    statements: secretStatements(names.map(name => resourceOf(given[name]) ?? name)),
    environment: Object.keys(arns).length > 0 ? { FANMILL_SECRETS: Stack.of(scope).toJsonString(arns) } : {},
    grantDecrypt: reader => {
      for (const key of keys) grantThroughService(key, reader, Stack.of(scope).region)
    },
  }
}

/** Returns the ARN of a secret, with a pattern for its suffix when the app knows it by name only. */
function resourceOf(given: ISecret | undefined): string | undefined {
  const { secretArn, secretFullArn } = given ?? {}
  return secretFullArn ?? (secretArn?.startsWith('arn:') ? `${secretArn}${secretSuffix}` : secretArn)
}

/** Deliberately not `ISecret.grantRead`, which grants nothing of an imported key, and makes stacks depend on each other in a circle. */
function grantThroughService(key: IKey, reader: IGrantable, region: string): void {
  const { principalStatement, resourceStatement } = key.grantDecrypt(reader)
  for (const statement of [principalStatement, resourceStatement])
    statement?.addCondition('StringEquals', { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` })
}

function unusedSecret(name: string, names: readonly string[]): PermanentError {
  const expected = names.length === 0 ? 'none, as no task has secrets' : `names of the pipeline's (${names.join(', ')})`
  return invalidProp('secrets', `${expected}, got ${name}${didYouMean(name, names)}`, { name })
}
