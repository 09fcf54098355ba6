import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { column, csv, table } from '../../lib/define/index.ts'
import { selectOverInput } from '../../lib/sql/allowed.ts'
import { checkBucketWise } from '../../lib/sql/bucket-wise.ts'
import { aggregateFunctions, isAllowedFunction, unstableFunctions } from '../../lib/sql/functions.ts'
import { checkRowWise } from '../../lib/sql/row-wise.ts'
import { convertTask, taskOf } from '../engine/converting.ts'
import { checkSql, statement } from './checking.ts'

const columns = { a: column.int32(), b: column.string() }
const inputs = { 'x.csv': 'a,b\n1,x\n2,y\n' }
const tables = { t: { name: 't.csv', content: 'b,n\nx,10\nz,20\n' } }

const convertSql = (text: string) =>
  convertTask(taskOf({ columns, tables: { t: table('t.csv', csv()) }, transform: statement(text) }), { inputs, tables })

const convertWhere = (condition: string) => convertTask(taskOf({ columns, where: statement(condition) }), { inputs })

describe('SQL', () => {
  it.each([
    ['with k as (select * from t) select a from input join k using (b)', 1],
    ['with recursive k as (select 1 as n union all select n + 1 from k where n < 3) select a, n from input, k', 6],
    ['with k as (select 1 as n), l as (select n + 1 as n from k) select a, n from input, l', 2],
    ['select a, v from input, (values (1), (2)) as w(v)', 4],
    ['select a, (select max(r) from range(3) as g(r)) as m from input', 2],
    ['select a, j.value from input, json_each(\'{"k": 1}\') as j', 2],
    ["select b collate de as c, a::varchar as d, try_cast(b as int) as e from input where b glob 'x*'", 1],
  ])('accepts %s', async (text, rows) => {
    expect((await convertSql(text)).rows).toHaveLength(rows)
  })

  it.each([
    ["select * from read_csv('/etc/passwd')", 'the function read_csv is not available'],
    ["select a, (select string_agg(content) from read_text('/etc/hostname')) as c from input", 'read_text'],
    ["select a, (select count(*) from read_blob('../**')) as c from input", 'read_blob'],
    ["select a, (select count(*) from glob('/**')) as c from input", 'glob'],
    ["select a, (select count(*) from parquet_metadata('/**/*.parquet')) as c from input", 'parquet_metadata'],
    ["select a, (select count(*) from sniff_csv('/etc/passwd')) as c from input", 'sniff_csv'],
    ["select a, (select count(*) from read_csv('https://example.com/x.csv')) as c from input", 'read_csv'],
    ['select a, (select count(*) from duckdb_settings()) as c from input', 'duckdb_settings'],
    ['select a, (select count(*) from duckdb_temporary_files()) as c from input', 'duckdb_temporary_files'],
    ["select a, (select count(*) from pragma_table_info('input')) as c from input", 'pragma_table_info'],
    ["select * from query('select count(*) from input')", 'the function query is'],
    ["select a, (select count(*) from query_table('input')) as n from input", 'the function query_table is'],
    ["select a, current_setting('allowed_directories') as c from input", 'the function current_setting is'],
    ["select a, getvariable('fanmill_members') as c from input", 'the function getvariable is'],
    ["select a, nextval('s') as c from input", 'the function nextval is'],
    ['select a, sleep_ms(10) as c from input', 'the function sleep_ms is'],
    ["select a, write_log('x') as c from input", 'the function write_log is'],
    ["select a, json_serialize_sql('select 1') as c from input", 'the function json_serialize_sql is'],
    ['select a, fanmill_seen(true) as s from input', 'the function fanmill_seen is'],
    ["select a, list_transform([1], x -> current_setting('threads')) as c from input", 'current_setting'],
    ["select a from input where b in (select getvariable('x'))", 'getvariable'],
    ['with k as (select * from duckdb_tables()) select a from input, k', 'duckdb_tables'],
    ["select a from input, '/etc/passwd'", 'unknown table /etc/passwd; there are input, t'],
    ["select a from input, 'x.csv'", 'unknown table x.csv'],
    ['select a from input where exists (from "x.parquet")', 'unknown table x.parquet'],
    ['select a, (select 1 from information_schema.tables limit 1) as c from input', 'information_schema.tables'],
    ['select a from input, main.t', 'unknown table main.t; there are input, t'],
    ['select a from input at (version => 1)', 'AT cannot stand after input, which has no versions'],
    ['select a from input, sqlite_master', 'unknown table sqlite_master'],
    ['select a from input, fanmill_errors', 'unknown table fanmill_errors'],
    ['with "x.csv" as (select * from "x.csv") select a from input, "x.csv"', 'unknown table x.csv'],
    ['select a from input, (with "x.csv" as (select 1) select 1), "x.csv"', 'unknown table x.csv'],
    ['with k as (select * from l), l as (select 1 as n) select a from input, k', 'unknown table l'],
    ['show tables', 'SHOW, DESCRIBE and SUMMARIZE'],
    ['summarize input', 'SHOW, DESCRIBE and SUMMARIZE'],
    ['select a, (select count(*) from (describe t)) as c from input', 'SHOW, DESCRIBE and SUMMARIZE'],
    ["select a, getenv('PATH') as c from input", 'getenv'],
    ["attach '/etc/x.db'", 'another kind of statement'],
    ["copy (select 1) to '/etc/x.csv'", 'another kind of statement'],
    ['install httpfs', 'another kind of statement'],
    ['load httpfs', 'another kind of statement'],
    ["set memory_limit = '1GB'", 'another kind of statement'],
    ['set enable_external_access = true', 'another kind of statement'],
    ['create secret (type s3)', 'another kind of statement'],
    ['drop table t', 'another kind of statement'],
    ['create temp table input as select 1', 'another kind of statement'],
    ["export database '/etc/x'", 'another kind of statement'],
    ['set variable fanmill_members = []', 'another kind of statement'],
  ])('refuses %s', async (text, message) => {
    await expect(checkSql(statement(text), ['t'])).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: expect.stringContaining(message),
    })
  })

  it('refuses to read the staged text of other slices through the folders of the engine', async () => {
    const statement =
      "select i.*, x.content from input i left join read_text(list_transform(current_setting('allowed_directories'), d -> d || '**')) x on true"
    await expect(convertSql(statement)).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message:
        'task tested: transform step 1: the function read_text is not available; SQL reads its input and tables, and calls functions of values',
    })
  })
})

describe('SQL of every scope', () => {
  const scopes = { row: checkRowWise, bucket: checkBucketWise, 'any-slice': selectOverInput }
  const check = { where: 'x', columns: ['a', 'b'], tables: [], by: ['a'] }

  it.each(Object.entries(scopes))('is one statement that reads only its input: %s', async (_, checkStatement) => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run('create table t as select 1 as n')
    await checkStatement(connection, 'select a, b from input', check)
    for (const text of [
      'select a from input; drop table t',
      "copy (select a from input) to '/tmp/x.csv'",
      "select a, (select string_agg(content) from read_text('/etc/hostname')) as c from input",
      "select i.a from input i, '/etc/passwd' f",
      "select a, (select count(*) from glob('/**')) as c from input",
      "select a, current_setting('allowed_directories') as c from input",
      "select a, getvariable('fanmill_members') as c from input",
    ])
      await expect(checkStatement(connection, text, check)).rejects.toMatchObject({ code: 'SQL_INVALID' })
    expect((await connection.runAndReadAll('select n from t')).getRows()).toEqual([[1]])
    connection.closeSync()
  })
})

describe('a condition', () => {
  it.each([['a > 1'], ['a > 1 -- the larger ones'], ["b in ('y', 'z')"], ['(a = 2) or (a = 3)']])(
    'may be %s',
    async condition => {
      expect((await convertWhere(condition)).rows).toEqual([{ a: '2', b: 'y' }])
    },
  )

  it.each([
    ['true) union all (select 3, null'],
    ['true) or (true'],
    ['true; select 1'],
    ['true from input'],
    ['true as x'],
    ['true, false'],
    ['distinct true'],
    ['true order by 1'],
    ['true limit 1'],
    ["true); copy (select 1) to '/tmp/x.csv'; select * from input where (true"],
    [''],
  ])('cannot be %s, which is not one expression', async condition => {
    await expect(convertWhere(condition || ' /* nothing */ ')).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: expect.stringMatching(/^task tested: where: /),
    })
  })
})

describe('the list of allowed functions', () => {
  const refused =
    /^(__internal_.*|has_.*_privilege|pg_.*|inet_.*|st_.*|.*_?description|current_(connection_id|database|catalog|query|query_id|role|schema|schemas|setting|transaction_id|user)|col_description|combine|create_sort_key|currval|finalize|format_pg_type|get_block_size|getvariable|in_search_path|is_histogram_other_bin|json_deserialize_sql|json_serialize_plan|json_serialize_sql|map_to_pg_oid|nextval|parse_duckdb_log_message|remap_struct|session_user|setseed|sleep_ms|stats|timetz_byte_comparable|txid_current|user|variant_(bytes_to_variant|normalize|to_parquet_variant)|vector_type|version|write_log)$/

  it('decides about every function of the engine, so that a new engine cannot bring one unseen', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const reader = await connection.runAndReadAll(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro', 'aggregate')",
    )
    const names = reader.getRows().map(([name]) => String(name))
    expect(names.length).toBeGreaterThan(500)
    expect(names.filter(name => !isAllowedFunction(name) && !refused.test(name))).toEqual([])
    expect(names.filter(name => isAllowedFunction(name) && refused.test(name)).sort()).toEqual([
      'pg_size_pretty',
      'pg_typeof',
    ])
    connection.closeSync()
  })

  it('knows every aggregate of the engine, and every function whose result differs from call to call', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const namesOf = async (condition: string): Promise<string[]> => {
      const names = `SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE ${condition}`
      return (await connection.runAndReadAll(names)).getRows().map(([name]) => String(name))
    }
    const aggregates = await namesOf("function_type = 'aggregate'")
    // The engine replaces a macro by its definition, which may call an aggregate, or another such macro.
    const calling = (names: readonly string[]) =>
      namesOf(`function_type = 'macro' AND regexp_matches(macro_definition, '\\b(${names.join('|')})\\(')`)
    const called = (await calling(aggregates.filter(isAllowedFunction))).filter(isAllowedFunction)
    const macros = [...new Set([...called, ...(await calling(called))])].filter(isAllowedFunction)
    expect(macros).toContain('geomean')
    expect([...aggregates.filter(isAllowedFunction), ...macros].sort()).toEqual([...aggregateFunctions].sort())
    const scalars = await namesOf("function_type = 'scalar'")
    expect(scalars.filter(name => aggregateFunctions.has(name))).toEqual([])
    const unstable = await namesOf(
      "function_type = 'scalar' AND stability <> 'CONSISTENT' AND function_name <> 'error'",
    )
    expect(unstable.length).toBeGreaterThan(20)
    expect(unstable.filter(name => !unstableFunctions.has(name))).toEqual([])
    connection.closeSync()
  })
})
