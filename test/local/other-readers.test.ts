/** Runs the commands that `fanmill show` prints for DuckDB and polars, and compares what they read with the dataset. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { readingHints } from '../../lib/cli/view/reading-hints.ts'
import { fanmill } from '../cli/fanmill.ts'
import { installPackages } from '../localstack/install.ts'
import { type Project, project } from './project.ts'

const python = (await installPackages('readers', ['polars==2.1.0']))?.python
const message = 'polars needs Python 3.11 or later with venv; without it nobody reads datasets with the printed command'
if (python === undefined) {
  if (process.env.CI) throw new Error(message)
  console.warn(`\n  LEFT OUT: polars in test/local/other-readers.test.ts. ${message}.\n`)
}

const pipeline = (columns: string, output: string) => `
import { column, csv, files, parquet, pipeline, task } from 'fanmill'
export const t = task({
  name: 't',
  source: files({ paths: 'in/*.csv', format: csv() }),
  columns: { id: column.int32(), month: column.string(), day: column.date(), ${columns} },
  output: parquet({ path: "it's here", mode: 'append', ${output} }),
})
export default pipeline({ name: 't', tasks: [t] })
`

interface Row {
  readonly id: number
  readonly month: string | null
  readonly day: string
  readonly more?: string | null
}

const shapes: readonly (readonly [string, string, string, readonly Row[]])[] = [
  ['without partitions', '', '', []],
  ['with partitions whose texts look like numbers', '', `partitionBy: ['month']`, []],
  ['with partitions of several columns', '', `partitionBy: ['month', 'day']`, []],
  [
    'with columns that were added',
    'more: column.string()',
    `partitionBy: ['month']`,
    [{ id: 4, month: '02', day: '2001-02-04', more: 'new' }],
  ],
]
const first: readonly Row[] = [
  { id: 1, month: '01', day: '2001-01-01' },
  { id: 2, month: '02', day: '2001-02-02' },
  { id: 3, month: null, day: '2001-02-03' },
]

describe.each(shapes)('a dataset %s', (_, columns, output, added) => {
  let some: Project
  let printed: string
  const rows = added.length === 0 ? first : [...first.map(row => ({ ...row, more: null })), ...added]
  beforeAll(async () => {
    const csv = first.map(({ id, month, day }) => `${id},${month ?? ''},${day}\n`).join('')
    some = project(pipeline('', output), { 'in/1.csv': `id,month,day\n${csv}` })
    await some.run()
    for (const { id, month, day, more } of added) {
      some.write({
        'pipeline.ts': pipeline(columns, output),
        'in/2.csv': `id,month,day,more\n${id},${month},${day},${more}\n`,
      })
      expect(await some.run()).toMatchObject({ status: 'complete' })
    }
    printed = (await fanmill(['show', "out/it's here"], { cwd: some.folder })).stdout
  })
  const commandOf = (tool: string): string => new RegExp(`^  ${tool} +(.*)$`, 'm').exec(printed)?.[1] ?? ''

  it('is read whole by the printed query of DuckDB', async () => {
    const connection = await (await DuckDBInstance.create()).connect()
    const query = commandOf('DuckDB').replace("'out/", `'${join(some.folder, 'out')}/`)
    const result = await connection.runAndReadAll(
      `SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM (${query}) ORDER BY id`,
    )
    expect(result.getRowObjectsJson()).toEqual(rows)
  })

  it.skipIf(python === undefined)('is read whole by the printed call of polars', () => {
    const script = `import glob, json, polars as pl
rows = ${commandOf('polars')}.sort('id').with_columns(pl.col('day').cast(pl.String))
print(json.dumps(rows.to_dicts()))`
    const printedRows = execFileSync(python ?? '', ['-c', script], { cwd: some.folder, encoding: 'utf8' })
    expect(JSON.parse(printedRows)).toEqual(rows)
  })

  it('has a command for pandas, Spark and ClickHouse, which names its folder', () => {
    for (const tool of ['pandas', 'Spark', 'ClickHouse']) expect(commandOf(tool)).toMatch(/it(\\|')?'s here/)
    expect(existsSync(join(some.out, "it's here/_SUCCESS"))).toBe(true)
  })
})

it('gives DuckDB partition columns the types that they have in the dataset', async () => {
  const columns = 'price: column.decimal(10, 2), at: column.timestamptz(),'
  const some = project(pipeline(columns, `partitionBy: ['price', 'at']`), {
    'in/1.csv': 'id,month,day,price,at\n1,01,2001-01-01,1.50,2001-01-01T10:00:00Z\n2,02,2001-01-01,,\n',
  })
  expect(await some.run()).toMatchObject({ status: 'complete' })
  const [duckdb] = readingHints(join(some.out, "it's here"), some.manifest("it's here"))
  const connection = await (await DuckDBInstance.create()).connect()
  const result = await connection.runAndReadAll(
    `SELECT id, typeof(price), price, typeof("at"), epoch("at")::INTEGER AS seconds FROM (${duckdb?.command}) ORDER BY id`,
  )
  const types = ['DECIMAL(10,2)', 'TIMESTAMP WITH TIME ZONE']
  expect(result.getRowsJson()).toEqual([
    [1, types[0], '1.50', types[1], 978343200],
    [2, types[0], null, types[1], null],
  ])
})

it('names a bucket as each tool does', () => {
  const shape = { schema: [{ name: 'x', type: 'INTEGER' }], partitionBy: [], parts: [] }
  expect(
    Object.fromEntries(readingHints('s3://lake/flights', shape).map(({ tool, command }) => [tool, command])),
  ).toEqual({
    DuckDB: "SELECT * FROM read_parquet('s3://lake/flights/*.parquet')",
    polars: "pl.scan_parquet('s3://lake/flights/*.parquet').collect()",
    pandas: "pd.read_parquet('s3://lake/flights')",
    Spark: "spark.read.parquet('s3a://lake/flights')",
    ClickHouse: "SELECT * FROM s3('https://lake.s3.amazonaws.com/flights/*.parquet', 'Parquet')",
  })
})
