/** Writes commands with which other tools read a dataset, for its folder, partitions and columns. */
import type { Manifest } from '../../model/outcome/manifest.ts'
import { partitionGlob } from '../../paths/partition-path.ts'
import { parseStoreUrl } from '../../store/store-url.ts'

type Shape = Pick<Manifest, 'schema' | 'partitionBy' | 'addedColumns' | 'parts' | 'log'>

/**
 * Returns a command for each tool. Globs name the part files, because polars and ClickHouse stop at `_SUCCESS`, which is not empty,
 * when they read the folder. Partition columns have the types of the dataset: tools would guess them from the folders, and read '01' as 1.
 */
export function readingHints(folder: string, manifest: Shape) {
  const root = folder.replace(/\/+$/, '')
  if (manifest.log === 'delta') return tableHints(root)
  return [
    { tool: 'DuckDB', command: duckdbQuery(root, manifest) },
    { tool: 'polars', command: polarsCall(root, manifest) },
    { tool: 'pandas', command: pandasCall(root, manifest) },
    { tool: 'Spark', command: sparkCall(root, manifest) },
    { tool: 'ClickHouse', command: clickhouseQuery(root, manifest) },
  ]
}

/** Returns the commands for a Delta table, whose folder also has files that are no longer part of it. */
function tableHints(root: string) {
  const place = parseStoreUrl(root)
  const address = place ? root.replace(`s3://${place.bucket}/`, `https://${place.bucket}.s3.amazonaws.com/`) : root
  return [
    { tool: 'DuckDB', command: `SELECT * FROM delta_scan(${sqlText(root)})` },
    { tool: 'polars', command: `pl.read_delta(${pythonText(root)})` },
    { tool: 'pandas', command: `deltalake.DeltaTable(${pythonText(root)}).to_pandas()` },
    { tool: 'Spark', command: `spark.read.format('delta').load(${pythonText(root.replace(/^s3:/, 's3a:'))})` },
    { tool: 'ClickHouse', command: `SELECT * FROM ${place ? 'deltaLake' : 'deltaLakeLocal'}(${sqlText(address)})` },
  ]
}

/** Returns a glob for the files of all parts: one folder for each partition column, unless the only part has no rows and is in no folder. */
function globOf(root: string, { partitionBy, parts }: Shape): string {
  const folders = parts.some(part => part.partition) ? [partitionGlob(partitionBy)] : []
  return [root, ...folders, '*.parquet'].join('/')
}

const hasPartitions = ({ parts }: Shape): boolean => parts.some(part => part.partition)

const partitionColumns = ({ schema, partitionBy }: Shape) => schema.filter(column => partitionBy.includes(column.name))

function duckdbQuery(root: string, shape: Shape): string {
  const types = partitionColumns(shape).map(({ name, type }) => `${sqlText(name)}: ${duckdbType(type)}`)
  const options = [
    ...(hasPartitions(shape) ? ['hive_partitioning = true', `hive_types = {${types.join(', ')}}`] : []),
    ...(shape.addedColumns ? ['union_by_name = true'] : []),
  ]
  return `SELECT * FROM read_parquet(${[sqlText(globOf(root, shape)), ...options].join(', ')})`
}

/** Returns a type as DuckDB's `hive_types` takes it: one word as it is, and others such as `DECIMAL(10,2)` as a text. */
const duckdbType = (type: string): string => (/^\w+$/.test(type) ? type : sqlText(type))

function polarsCall(root: string, shape: Shape): string {
  const types = partitionColumns(shape).map(({ name, type }) => `${pythonText(name)}: pl.${polarsType(type)}`)
  const hive = hasPartitions(shape) ? `, hive_partitioning=True, hive_schema={${types.join(', ')}}` : ''
  const glob = pythonText(globOf(root, shape))
  if (!shape.addedColumns) return `pl.scan_parquet(${glob}${hive}).collect()`
  if (parseStoreUrl(root)) return `duckdb.sql(${JSON.stringify(duckdbQuery(root, shape))}).pl()`
  return `pl.concat([pl.scan_parquet(file${hive}) for file in glob.glob(${glob})], how='diagonal').collect()`
}

/** Returns polars' name of a type that partitions usually have; any other is read as text. */
function polarsType(type: string): string {
  const names: Readonly<Record<string, string>> = {
    BOOLEAN: 'Boolean',
    TINYINT: 'Int8',
    SMALLINT: 'Int16',
    INTEGER: 'Int32',
    BIGINT: 'Int64',
    FLOAT: 'Float32',
    DOUBLE: 'Float64',
    DATE: 'Date',
  }
  return names[type] ?? 'String'
}

/** Uses DuckDB for datasets with added columns, because pyarrow uses the columns of the first file for all. */
function pandasCall(root: string, shape: Shape): string {
  if (shape.addedColumns) return `duckdb.sql(${JSON.stringify(duckdbQuery(root, shape))}).df()`
  return `pd.read_parquet(${pythonText(root)})`
}

function sparkCall(root: string, shape: Shape): string {
  const merge = shape.addedColumns ? ".option('mergeSchema', 'true')" : ''
  return `spark.read${merge}.parquet(${pythonText(root.replace(/^s3:/, 's3a:'))})`
}

function clickhouseQuery(root: string, shape: Shape): string {
  const place = parseStoreUrl(root)
  const glob = globOf(root, shape)
  const from = place
    ? `s3(${sqlText(glob.replace(`s3://${place.bucket}/`, `https://${place.bucket}.s3.amazonaws.com/`))}, 'Parquet')`
    : `file(${sqlText(glob)}, 'Parquet')`
  const settings = [
    ...(hasPartitions(shape) ? ['use_hive_partitioning = 1'] : []),
    ...(shape.addedColumns ? ["schema_inference_mode = 'union'"] : []),
  ]
  return `SELECT * FROM ${from}${settings.length > 0 ? ` SETTINGS ${settings.join(', ')}` : ''}`
}

const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`

const pythonText = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
