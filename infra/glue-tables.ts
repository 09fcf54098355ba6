/** Glue tables over a pipeline's datasets, for Athena: partitions are projected from paths, so that no crawler is needed. */
import { Aws } from 'aws-cdk-lib'
import { CfnTable } from 'aws-cdk-lib/aws-glue'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import type { TaskSchema } from '../lib/bundle-schemas.ts'
import type { ParamDefinition, PipelineDefinition, TaskDefinition } from '../lib/define/definition.ts'
import { outputKind, type PartLayout } from '../lib/define/outputs/output-kind.ts'
import { placeholdersOf } from '../lib/define/template-syntax.ts'
import type { PermanentError } from '../lib/errors/errors.ts'
import { invalidProp } from './invalid-prop.ts'

export interface GlueTablesOptions {
  /** Name of a database that exists. */
  readonly database: string
  readonly pipeline: PipelineDefinition
  readonly schemas: Readonly<Record<string, TaskSchema>>
  readonly output: IBucket
  readonly outputPrefix: string
}

/** Makes one table for each task that writes Parquet. @throws DEFINITION_INVALID for a task whose columns are not known before a run, with a type that Athena does not read, or whose path has a salt */
export function makeGlueTables(scope: Construct, options: GlueTablesOptions): CfnTable[] {
  return options.pipeline.tasks.flatMap(task => {
    const { isListed, layout } = outputKind(task.output)
    return isListed && layout ? [makeTable(scope, task, layout, options)] : []
  })
}

function makeTable(
  scope: Construct,
  task: TaskDefinition,
  { partitionBy }: PartLayout,
  options: GlueTablesOptions,
): CfnTable {
  const schema = options.schemas[task.name] ?? { unknown: 'it writes no Parquet' }
  if ('unknown' in schema)
    throw invalid(task, `columns that are known at synthesis, but ${schema.unknown}; declare them`)
  const path = task.output.path.replaceAll('{task}', task.name)
  const params = placeholdersOf(path)
  if (params.includes('salt')) throw invalid(task, 'a path without {salt}, of which a query cannot know the value')
  const keys = [...params, ...partitionBy]
  const root = `s3://${options.output.bucketName}/${options.outputPrefix}`
  const template = [
    path.replaceAll(/\{\w+\}/g, placeholder => `$${placeholder}`),
    ...partitionBy.map(column => `${column}=\${${column}}`),
  ].join('/')
  const columns = schema.columns.filter(({ name }) => !keys.includes(name))
  return new CfnTable(scope, `Table-${task.name}`, {
    catalogId: Aws.ACCOUNT_ID,
    databaseName: options.database,
    tableInput: {
      name: task.name.replaceAll('-', '_'),
      description: task.doc ?? `Dataset of task ${task.name} of Fanmill pipeline ${options.pipeline.name}`,
      tableType: 'EXTERNAL_TABLE',
      partitionKeys: keys.map(name => ({ name, type: 'string' })),
      parameters: {
        classification: 'parquet',
        ...projection(keys, task.params),
        ...(keys.length > 0 && { 'projection.enabled': 'true', 'storage.location.template': `${root}${template}/` }),
      },
      storageDescriptor: {
        location: `${root}${fixedFolders(path)}`,
        columns: columns.map(column => columnOf(task, column)),
        inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
        serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
      },
    },
  })
}

function columnOf(task: TaskDefinition, { name, type }: { readonly name: string; readonly type: string }) {
  const glue = glueType(type)
  if (glue !== undefined) return { name, type: glue }
  const to = casts[type] === undefined ? '' : ` to ${casts[type]}`
  throw invalid(task, `a type that Athena reads, got ${type}; cast it${to} in the transform`, `: column ${name}`)
}

/** Returns the properties of partition projection. Values that cannot be listed are `injected`: a query gives them, as in `where state = 'AK'`. @see https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html */
function projection(
  keys: readonly string[],
  params: Readonly<Record<string, ParamDefinition>>,
): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap(key =>
      Object.entries(projected(params[key])).map(([name, value]) => [`projection.${key}.${name}`, value]),
    ),
  )
}

function projected({ type, values = [] }: Partial<ParamDefinition> = {}): Readonly<Record<string, string>> {
  if (type === 'month')
    return { type: 'date', format: 'yyyy-MM', range: '2000-01,NOW', interval: '1', 'interval.unit': 'MONTHS' }
  if (type === 'date')
    return { type: 'date', format: 'yyyy-MM-dd', range: '2000-01-01,NOW', interval: '1', 'interval.unit': 'DAYS' }
  if (type === 'enumeration') return { type: 'enum', values: values.join(',') }
  if (type === 'boolean') return { type: 'enum', values: 'false,true' }
  return { type: 'injected' }
}

/** Types of Glue by the engine's names; Athena reads a time of day as microseconds since midnight. */
const glueTypes: Readonly<Record<string, string>> = {
  ...{ BOOLEAN: 'boolean', TINYINT: 'tinyint', SMALLINT: 'smallint', INTEGER: 'int', BIGINT: 'bigint' },
  ...{ UTINYINT: 'smallint', USMALLINT: 'int', FLOAT: 'float', DOUBLE: 'double' },
  ...{ VARCHAR: 'string', JSON: 'string', BLOB: 'binary', DATE: 'date', TIME: 'bigint' },
  ...{ TIMESTAMP: 'timestamp', TIMESTAMP_S: 'timestamp', TIMESTAMP_MS: 'timestamp', TIMESTAMP_NS: 'timestamp' },
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
}

/** Casts for types that Athena cannot read, or whose upper half it reads as negative numbers. */
const casts: Readonly<Record<string, string>> = { UINTEGER: 'BIGINT', UBIGINT: 'DECIMAL(20, 0)', UUID: 'VARCHAR' }

/** Returns undefined for a type that Athena does not read as it is written. */
function glueType(type: string): string | undefined {
  if (type.endsWith('[]')) return nested('array', [type.slice(0, -2)])
  const map = /^MAP\(([\w ]+(?:\([\d,]+\))?), (.+)\)$/.exec(type)
  if (map) return nested('map', map.slice(1))
  if (/^DECIMAL\(\d+,\d+\)$/.test(type)) return type.toLowerCase()
  return type.startsWith('ENUM(') ? 'string' : glueTypes[type]
}

function nested(kind: 'array' | 'map', types: readonly string[]): string | undefined {
  const inner = types.map(glueType)
  return inner.includes(undefined) ? undefined : `${kind}<${inner.join(',')}>`
}

/** Returns the folders of a path before its first parameter. */
const fixedFolders = (path: string): string =>
  path.includes('{') ? path.slice(0, path.lastIndexOf('/', path.indexOf('{')) + 1) : `${path}/`

const invalid = ({ name: task }: TaskDefinition, expected: string, place = ''): PermanentError =>
  invalidProp(`glueDatabase: task ${task}${place}`, expected, { prop: 'glueDatabase', task })
