/** Permissions of each role, on exact buckets and prefixes: only Commit deletes and writes `_SUCCESS`. */
import { Arn, Aws, Token } from 'aws-cdk-lib'
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Places } from '../lib/aws/places.ts'
import type { Permission } from '../lib/define/tasks/action-definition.ts'
import { shippedRoot, stateRoot } from '../lib/store/state-root.ts'
import { createOnly, stageOnly, type WriteConditionProps } from './write-conditions.ts'

export interface StatementOptions {
  readonly places: Places
  readonly input: IBucket
  readonly output: IBucket
}

/** Lets Plan read inputs and what was committed, and write state. */
export function planStatements(options: StatementOptions): PolicyStatement[] {
  const { places, output } = options
  return [
    ...readInputs(options),
    ...list(options, { withInputs: true, withOutputs: true }),
    allow(['s3:GetObject', 's3:PutObject'], [output.arnForObjects(`${places.state}*`)]),
    allow(
      ['s3:GetObject'],
      [...places.outputs.map(prefix => `${prefix}*_SUCCESS`), ...places.datasets, ...places.tables].map(key =>
        output.arnForObjects(key),
      ),
    ),
  ]
}

/** Lets Process read inputs and state, stage parts, and write the outcome of its batch once. */
export function processStatements(options: StatementOptions & WriteConditionProps): PolicyStatement[] {
  const { places, output, enforceConditionalWrites: isEnforced = false } = options
  const runs = `${places.state}runs/*`
  const written = ['failures', 'rejects', 'accounts', 'skipped', 'partials', 'log'].map(folder => `${runs}/${folder}/*`)
  // A batch that runs renews the lease of its run.
  const records = [...written, `${runs}/lease.json`].map(pattern => output.arnForObjects(pattern))
  const outcomes = allow(['s3:PutObject'], [output.arnForObjects(`${runs}/outcomes/*`)])
  const partArns = places.parts.map(pattern => output.arnForObjects(pattern))
  return [
    ...readInputs(options),
    ...list(options, { withInputs: true, withOutputs: false }),
    allow(
      ['s3:GetObject'],
      [runs, ...places.upstream, ...places.datasets].map(pattern => output.arnForObjects(pattern)),
    ),
    allow(['s3:PutObject'], records),
    isEnforced ? createOnly(outcomes) : outcomes,
    ...stageParts(partArns, isEnforced),
    ...exchangeRows(options),
    ...programTargets(options),
    new PolicyStatement({
      effect: Effect.DENY,
      actions: ['s3:PutObject'],
      resources: places.outputs.map(prefix => output.arnForObjects(`${prefix}*_SUCCESS`)),
    }),
  ]
}

/** Returns none for tasks that write no objects. */
function stageParts(arns: readonly string[], isEnforced: boolean): PolicyStatement[] {
  if (arns.length === 0) return []
  const parts = allow(['s3:PutObject'], arns)
  return [isEnforced ? stageOnly(parts) : parts, allow(['s3:AbortMultipartUpload'], arns)]
}

/** Lets programs write their targets, and what else belongs into the folders of these. */
function programTargets({ places: { programs }, input, output }: StatementOptions): PolicyStatement[] {
  const keys = [
    ...programs.input.map(key => input.arnForObjects(key)),
    ...programs.output.map(key => output.arnForObjects(key)),
  ]
  return keys.length > 0 ? [allow(['s3:GetObject', 's3:PutObject'], keys)] : []
}

/** Lets Process write rows for the next stage, and read them: nobody else reads there, so that it may complete the uploads. */
function exchangeRows({ places: { exchange }, output }: StatementOptions): PolicyStatement[] {
  if (exchange === undefined) return []
  return [allow(['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], [output.arnForObjects(`${exchange}*`)])]
}

/** Lets Commit, and no other function, delete objects and make parts and `_SUCCESS` visible. */
export function commitStatements(options: StatementOptions): PolicyStatement[] {
  const { places, output } = options
  const own = [...places.outputs, places.state].map(prefix => output.arnForObjects(`${prefix}*`))
  return [
    ...list(options, { withInputs: false, withOutputs: true }),
    allow(
      ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      own,
    ),
    allow(['s3:ListBucketMultipartUploads'], [output.bucketArn]),
  ]
}

/** Lets Graph read and write the state of graphs, and nothing else. */
export function graphStatements({ places, output }: StatementOptions): PolicyStatement[] {
  const graphs = `${places.state}graphs/*`
  return [allow(['s3:GetObject', 's3:PutObject'], [output.arnForObjects(graphs)]), listBucket(output, [graphs])]
}

/** Lets Graph look at inputs and at datasets of the pipeline, as functions of tasks do that find out what these require. */
export function discoverStatements(options: StatementOptions): PolicyStatement[] {
  const { places, output } = options
  // `openDataset` looks for the head of a dataset in each folder above it, up to the output root.
  const heads = `${places.state.slice(0, -stateRoot.length)}*${stateRoot}outputs/*`
  const datasets = places.outputs.map(prefix => output.arnForObjects(`${prefix}*`))
  return [
    ...readInputs(options),
    ...list(options, { withInputs: true, withOutputs: true }),
    listBucket(output, [heads]),
    allow(['s3:GetObject'], [...datasets, output.arnForObjects(heads)]),
  ]
}

/** Lets Process read what tasks have found out to require: their tables may be rows of that. */
export const answerStatement = ({ places, output }: StatementOptions): PolicyStatement =>
  allow(['s3:GetObject'], [output.arnForObjects(`${places.state}graphs/discovered/*`)])

/** Lets Process and Graph read shipped code, and find out that it is missing; Plan and Commit may read all state. */
export function shippedStatements({ places, output }: Pick<StatementOptions, 'places' | 'output'>): PolicyStatement[] {
  const objects = `${places.state.slice(0, -stateRoot.length)}${shippedRoot}*`
  return [allow(['s3:GetObject'], [output.arnForObjects(objects)]), listBucket(output, [objects])]
}

/** Lets a function read the secrets that tasks declare: by name, or by ARN with the characters that Secrets Manager appends. */
export function secretStatements(ids: readonly string[]): PolicyStatement[] {
  if (ids.length === 0) return []
  const arn = (id: string): string =>
    id.startsWith('arn:') || Token.isUnresolved(id)
      ? id
      : Arn.format({
          partition: Aws.PARTITION,
          region: Aws.REGION,
          account: Aws.ACCOUNT_ID,
          service: 'secretsmanager',
          resource: `secret:${id}${secretSuffix}`,
        })
  return [allow(['secretsmanager:GetSecretValue'], [...new Set(ids.map(arn))])]
}

/** Pattern for the six characters that Secrets Manager appends to a name. */
export const secretSuffix = '-??????'

/** Returns the statement that a task declares. */
export const permissionStatement = ({ actions, resources, conditions }: Permission): PolicyStatement =>
  new PolicyStatement({ actions: [...actions], resources: [...resources], ...(conditions && { conditions }) })

export function allow(actions: readonly string[], resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources: [...new Set(resources)] })
}

/** Returns none for tasks that read no objects. */
function readInputs({ places, input }: StatementOptions): PolicyStatement[] {
  const objects = places.inputs.map(pattern => input.arnForObjects(pattern))
  return objects.length > 0 ? [allow(['s3:GetObject'], objects)] : []
}

/** Lets a function list: without this right S3 answers 403 for a missing key. */
function list(
  { places, input, output }: StatementOptions,
  { withInputs, withOutputs }: { readonly withInputs: boolean; readonly withOutputs: boolean },
): PolicyStatement[] {
  const written = [places.state, ...(withOutputs ? places.outputs : [])].map(prefix => `${prefix}*`)
  const targets = withInputs ? places.targets : []
  return [
    ...(withInputs && places.inputs.length > 0 ? [listBucket(input, places.inputs)] : []),
    listBucket(output, [...written, ...targets]),
  ]
}

function listBucket({ bucketArn }: IBucket, prefixes: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    actions: ['s3:ListBucket'],
    resources: [bucketArn],
    conditions: { StringLike: { 's3:prefix': [...new Set(prefixes)] } },
  })
}
