/** SQL over committed datasets. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { placeFile, type SqlOptions, sqlRows, writeSql } from '../../lib/datasets/sql-query.ts'
import { loadHashed } from '../../lib/local/pipeline-file.ts'
import { taskDatasets } from '../../lib/local/task-datasets.ts'
import { duckdb } from '../local/compare.ts'
import { type Project, project } from '../local/project.ts'
import { type S3Server, startS3Server } from '../store/s3/server.ts'

const pipeline = (more = '') => `
import { column, csv, files, param, parquet, pipeline, task } from 'fanmill'
const sales = task({
  name: 'sales',
  source: files({ paths: 'sales/*.csv', format: csv() }),
  columns: { id: column.int64({ required: true }), shop: column.int32(), day: column.date(), total: column.decimal(10, 2), ${more} },
  onMissingColumn: 'null',
  output: parquet({ path: 'lake/sales', mode: 'append', partitionBy: ['shop', 'day'], partitionsMax: 2000 }),
})
const shops = task({
  name: 'shop-names',
  params: { year: param.integer() },
  source: files({ paths: 'shops-{year}.csv', format: csv() }),
  columns: { shop: column.int32(), name: column.string() },
  output: parquet({ path: '{task}/{year}' }),
})
export default pipeline({ name: 'shop', tasks: [sales, shops] })
`
const days = Array.from({ length: 300 }, (_, at) => new Date(Date.UTC(2024, 0, 1 + at)).toISOString().slice(0, 10))

let some: Project
const rowsOf = async (sql: string, options: SqlOptions = {}) =>
  (await sqlRows(sql, { output: some.out, ...options })).rows

let s3: S3Server

beforeAll(async () => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' })
  s3 = await startS3Server()
  process.env.AWS_ENDPOINT_URL_S3 = s3.endpoint
  const rows = days.map((day, at) => `${at},${at % 4 === 3 ? '' : at % 4},${day},${at}.25\n`).join('')
  some = project(pipeline(), {
    'sales/a.csv': `id,shop,day,total\n${rows}`,
    'shops-2024.csv': 'shop,name\n1,Oslo\n2,Rome\n',
  })
  await some.run({ params: { year: 2024 } })
  some.write({
    'pipeline.ts': pipeline('note: column.string()'),
    'sales/b.csv': 'id,shop,day,total,note\n1000,1,2024-01-02,7,late\n',
  })
  await some.run({ task: 'sales' })
})

afterAll(() => s3.stop())

describe('sql', () => {
  it('joins and groups datasets below the output, with values of partitions and nulls in added columns', async () => {
    expect(
      await rowsOf(`
        with named as (select s.*, n.name from "lake/sales" s left join "shop-names/2024" n using (shop))
        select shop, name, count(*) as sales, sum(total) as total, count(note) as notes from named group by all order by shop nulls last -- by shop`),
    ).toEqual([
      ['0', null, '75', '11118.75', '0'],
      ['1', 'Oslo', '76', '11200.75', '1'],
      ['2', 'Rome', '75', '11268.75', '0'],
      [null, null, '75', '11343.75', '0'],
    ])
    const { columns } = await sqlRows('select * from "lake/sales" limit 0;', { output: some.out })
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['id int64', 'shop int32', 'day date', 'total decimal(10, 2)', 'note string'],
    ])
  })

  it('reads what the manifest names, and not what lies beside it', async () => {
    const folder = join(some.out, 'lake/sales/shop=1/day=2024-01-02')
    const [part = ''] = readdirSync(folder)
    copyFileSync(join(folder, part), join(folder, 'part-999-copied.parquet'))
    expect(
      await rowsOf('select count(*) from t where shop = 1', { datasets: { T: join(some.out, 'lake/sales') } }),
    ).toEqual([['76']])
  })

  it('reads datasets in S3, only the columns that the statement uses, or one to count rows', async () => {
    await some.run({ task: 'shop-names', params: { year: 2024 }, output: 's3://lake/out' })
    const s3Options = { datasets: { names: 's3://lake/out/shop-names/2024' } }
    expect(await rowsOf('select count(*) from names', s3Options)).toEqual([['2']])
    expect(await rowsOf('select max(name) from names', s3Options)).toEqual([['Rome']])
  })

  it("takes a pipeline's tasks as tables, with the parameters of their paths", async () => {
    const hashed = await loadHashed(join(some.folder, 'pipeline.ts'))
    const datasets = taskDatasets(hashed, { year: '2024' }, some.out)
    expect(await rowsOf('select name from "shop-names" order by 1 limit 1', { datasets })).toEqual([['Oslo']])
    expect(Object.keys(taskDatasets(hashed, {}, some.out))).toEqual(['sales'])
  })

  it('takes a folder as one table of all datasets below, with their parameters as columns', async () => {
    const months = ['2024-01', '2024-02']
    const nodes = project(
      `
import { column, csv, files, parquet, param, pipeline, task } from 'fanmill'
const params = { month: param.month(), level: param.integer(), isLast: param.boolean({ default: false }) }
const source = files({ paths: '{month}.csv', format: csv() })
const sales = task({
  name: 'sales', params, source, columns: { shop: column.string(), LEVEL: column.int32() },
  output: parquet({ path: 'lake/{task}/{month}/{level}/{isLast}', partitionBy: ['shop'] }),
})
const other = task({ name: 'other', params, source, columns: { shop: column.string() }, output: parquet({ path: 'lake/{task}/{month}/{level}/{isLast}' }) })
export default pipeline({ name: 'nodes', tasks: [sales, other] })
`,
      Object.fromEntries(months.map(month => [`${month}.csv`, `shop,LEVEL\n${month},7\n`])),
    )
    const run = (params: object, more = {}) => nodes.run({ task: 'sales', params: params as never, ...more })
    await run({ month: '2024-01..2024-02', level: '3' })
    await run({ month: '2024-01', level: '4' })
    const read = async (sql: string, output = nodes.out) => await sqlRows(sql, { output })
    const all = await read('select * from "lake/sales" order by month, shop')
    expect(all.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['shop string', 'LEVEL int32', 'month string', 'isLast boolean'],
    ])
    expect(all.rows).toEqual([
      ['2024-01', '7', '2024-01', 'false'],
      ['2024-01', '7', '2024-01', 'false'],
      ['2024-02', '7', '2024-02', 'false'],
    ])
    const one = { output: nodes.out, datasets: { t: join(nodes.out, 'lake/sales/2024-01') } }
    expect((await sqlRows('select count(*), min(month) from t', one)).rows).toEqual([['2', '2024-01']])

    await run({ month: '2024-01..2024-02', level: '3' }, { output: 's3://lake/nodes' })
    expect(
      (await read(`select shop, month from "lake/sales" where month > '2024-01'`, 's3://lake/nodes')).rows,
    ).toEqual([['2024-02', '2024-02']])

    // The state of a copy stays where it was: its datasets are their own roots.
    cpSync(join(nodes.out, 'lake'), join(nodes.folder, 'copy'), { recursive: true })
    expect((await read('select count(*) from sales', join(nodes.folder, 'copy'))).rows).toEqual([['3']])

    await nodes.run({ task: 'other', params: { month: '2024-01', level: 3 } })
    await expect(read('select * from lake')).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: expect.stringMatching(
        /^sql: table lake: expected datasets of one task below .+, got some of other and sales; name one of them, such as "lake\/other\/2024-01\/3\/false" or "lake\/sales\/2024-01\/3\/false"$/,
      ),
    })
    cpSync(join(nodes.out, 'lake/sales/2024-01/3/false'), join(nodes.out, 'lake/sales/old'), { recursive: true })
    await expect(read('select * from "lake/sales"')).rejects.toMatchObject({
      message: expect.stringMatching(
        /expected one dataset for the same parameters .*, got several; .* "lake\/sales\/old"$/,
      ),
    })
    rmSync(join(nodes.out, 'lake/sales/old'), { recursive: true })
    nodes.write({ 'pipeline.ts': readFileSync(join(nodes.folder, 'pipeline.ts'), 'utf8').replace('LEVEL:', 'size:') })
    nodes.write({ '2024-02.csv': 'shop,size\na,1\n' })
    await run({ month: '2024-02', level: '3' })
    await expect(read('select * from "lake/sales"')).rejects.toMatchObject({
      message: expect.stringContaining('got others in 2024-02/3/false than in 2024-01/3/false'),
    })
    mkdirSync(join(nodes.out, 'empty/folder'), { recursive: true })
    await expect(read('select * from empty')).rejects.toMatchObject({
      message: expect.stringMatching(/^sql: unknown table empty: .*; there are lake; /),
    })
  })

  it('gives at most so many rows, and says when there are more', async () => {
    expect(await sqlRows('select id from "lake/sales" order by id', { output: some.out, rowsMax: 2 })).toEqual({
      ...{ columns: [{ name: 'id', type: 'int64' }], rows: [['0'], ['1']], isWhole: false },
    })
  })

  it.each([
    ['csv', 'name\n"Oslo, ""NO"""\n'],
    ['json', '{"name":"Oslo, \\"NO\\""}\n'],
  ] as const)('writes all rows as %s, in one step', async (format, text) => {
    const file = join(some.folder, `rows.${format}`)
    writeFileSync(file, 'before')
    const statement = `select name || ', "NO"' as name from "shop-names/2024" where shop = 1`
    expect(await writeSql(statement, { output: some.out }, { format, use: from => placeFile(from, file) })).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('writes values to Parquet as they are: equal intervals, sums and values that are looked for', async () => {
    const file = join(some.folder, 'exact.parquet')
    const statement = `
      select (id % 7)::double * -0.0 as zero, encode('\\xFF') as bytes, sum(9007199254740993) as total,
        case when id % 2 = 0 then interval 1 month else interval 30 day end as span
      from "lake/sales" where id < 300 group by id order by id`
    await writeSql(statement, { output: some.out }, { format: 'parquet', use: from => placeFile(from, file) })
    const read = (sql: string) => duckdb(some.folder, sql)
    expect(
      await read(`select span::varchar as span, count(*)::int as n from 'exact.parquet' group by all order by 1`),
    ).toEqual([
      { span: '1 month', n: 150 },
      { span: '30 days', n: 150 },
    ])
    expect(
      await read(`select count(*)::int as n, any_value(total)::varchar as total from 'exact.parquet' where zero = 0`),
    ).toEqual([{ n: 300, total: '9007199254740993' }])
    expect(await read(`select count(*)::int as n from 'exact.parquet' where bytes = encode('\\xFF')`)).toEqual([
      { n: 300 },
    ])
  })

  it.each([
    ['interval 1 microsecond', 'column span: expected intervals of whole milliseconds that are not negative'],
    ['interval (-1) day', 'IO Error: Parquet files do not support negative intervals'],
  ])('refuses to write %s to Parquet, which would hold another one', async (span, message) => {
    const target = { format: 'parquet', use: async () => {} } as const
    await expect(writeSql(`select ${span} as span`, { output: some.out }, target)).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: expect.stringContaining(message),
    })
  })

  it.each([
    [`select * from read_csv('/etc/passwd')`, 'the function read_csv is not available'],
    [`select * from '/etc/passwd'`, 'unknown table /etc/passwd'],
    [`select * from "lake/sales/../../secret"`, 'unknown table lake/sales/../../secret'],
    [`select current_setting('temp_directory')`, 'the function current_setting is not available'],
    [`copy (select 1) to '/tmp/stolen'`, 'expected one SELECT, got another kind of statement'],
    ['select 1; select 2', 'expected one SELECT, got 2 statements'],
    [
      'select * from shop-names',
      'after select * from shop; a name with a hyphen needs double quotes, such as "per-user"',
    ],
    ['select * from lace', 'unknown table lace: no dataset of this name is in'],
    ['select nome from "shop-names/2024"', 'unknown column nome; did you mean name'],
  ])('refuses %s', async (sql, message) => {
    await expect(rowsOf(sql)).rejects.toMatchObject({ code: 'SQL_INVALID', message: expect.stringContaining(message) })
    expect(existsSync('/tmp/stolen')).toBe(false)
  })
})
