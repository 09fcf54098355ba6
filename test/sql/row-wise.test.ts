import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import type { SqlStep } from '../../lib/define/definition.ts'
import { column, csv, sql, table } from '../../lib/define/index.ts'
import { checkTransform } from '../../lib/engine/transform/transform.ts'
import { type ConversionResult, convertTask, mapRows, taskOf } from '../engine/converting.ts'
import { checkSql, statement } from './checking.ts'

const columns = { a: column.int32(), b: column.string() }
const inputs = { 'x.csv': 'a,b\n1,x\n2,y\n3,x\n4,\n' }
const tables = { t: { name: 't.csv', content: 'b,n\nx,10\nz,20\n' }, none: { name: 'none.csv', content: 'b,m\n' } }
const definitions = {
  t: table('t.csv', csv()),
  none: table('none.csv', csv(), { b: column.string(), m: column.int32() }),
}

function convertSql(step: SqlStep): Promise<ConversionResult> {
  return convertTask(taskOf({ columns, tables: definitions, transform: step }), { inputs, tables })
}

describe('row-wise SQL', () => {
  it.each([
    ['select * from input;', 4],
    ['select * from input -- all of it', 4],
    ['select * from input; -- all of it', 4],
    ['select * from input;\n-- all of it\n-- and nothing more\n', 4],
    ['select * from input; /* all of it */ ', 4],
    ["select *, '; -- no comment' as c from input", 4],
    ["select *, ';' as c from input /* ; */ -- it's all", 4],
    ["select *, age(timestamp '2001-01-02', timestamp '2001-01-01') as c from input", 4],
    ['  from input select a where a > 2 ;; ', 2],
    ['select * from INPUT', 4],
    ['select i.* from input i left join t using (b)', 4],
    ['select a, n from input join t using (b)', 2],
    ['select * from input semi join t using (b)', 2],
    ['select * from input anti join t using (b)', 2],
    ['select a from t right join input using (b)', 4],
    ['select a, n from input cross join t', 8],
    ['select a from input, t where t.b = input.b', 2],
    ['select a, m from input join none using (b)', 0],
    ['with k as (select b, max(n) as n from t group by b) select a, n from input left join k using (b)', 4],
    ['select a, (select max(n) from t) as most from input', 4],
    ['select a from input where b in (select b from t order by n limit 1)', 2],
    ['select unnest([a, a]) as u from input', 8],
    ['select a, k from input join lateral (select input.a + 1 as k) on true', 4],
    ["select list_sort([a, 1]) as l, 'a;b' as s from input", 4],
    ['select b, (select max(a + n) from t) as m, (select max(n) from t where t.b = input.b) as s from input', 4],
    ['select b, (select max(b) from t) as own, (select count(*) from t) as c, input.b as same from input', 4],
    ['select * replace ((select max(n) from t) as a) from input i', 4],
    ['select x, (select max(n) from t) as m from input as i(x, y)', 4],
    ['select (select list(x order by x) from (select unnest([a, 0]) as x)) as l from input', 4],
    ['select * replace (upper(b) as b) from input', 4],
    ['select *, upper(b) as u from input left join t using (b)', 4],
    ['select input.*, t.* exclude (b) from input left join t on t.b = input.b', 4],
    ['select a, list_max([a, 2]) as m, greatest(a, 2) as g from input', 4],
    ['select * from input where 1 = 2', 0],
  ])('accepts %s', async (text, rows) => {
    const { results, rows: written } = await convertSql(statement(text))
    expect(written).toHaveLength(rows)
    expect(results[0]).toMatchObject({ rowsRead: 4, recordsFound: 4, rowsWritten: rows })
  })

  it.each([
    ['select count(*) from input', 'the aggregate count_star'],
    ['select b, sum(a) from input group by b', 'GROUP BY'],
    ['select a from input group by all', 'GROUP BY'],
    ['select sum(a) filter (where a > 1) from input', 'the aggregate sum'],
    ['select first(a) from input', 'the aggregate first'],
    ['select geomean(a) as g from input', 'the aggregate geomean'],
    ['select json_group_array(b) as l from input', 'the aggregate json_group_array'],
    ['select (select sum(a)) as s from input', 'an aggregate of input in a subquery'],
    ['select (select sum(input.a) from t) as s from input', 'an aggregate of input in a subquery'],
    ['select (select string_agg(i.b)) as s from input i left join t using (b)', 'an aggregate of input in a subquery'],
    ['select unnest((select list(a))) as s from input', 'an aggregate of input in a subquery'],
    ['select b, (select count(a)) as c from input', 'an aggregate of input in a subquery'],
    ['select (select (select max(a) from t)) as m from input', 'an aggregate of input in a subquery'],
    ['select exists (select 1 having sum(a) > 1) as e from input', 'an aggregate of input in a subquery'],
    ['select * replace ((select sum(a)) as a) from input', 'an aggregate of input in a subquery'],
    ['select (select sum(x)) as s from input as i(x, y)', 'an aggregate of input in a subquery'],
    ['select distinct a from input', 'DISTINCT'],
    ['select distinct on (b) a from input', 'DISTINCT'],
    ['select a, row_number() over () as r from input', 'the window function row_number'],
    ['select a, max(a) over w as m from input window w as ()', 'the window function max'],
    ['select a, (row_number() over ()) in (select n from t) as r from input', 'the window function row_number'],
    ['select count(*) in (select n from t) as c from input', 'the aggregate count_star'],
    ['select sum(a) > any (select n from t) as c from input', 'the aggregate sum'],
    ['select a from input qualify row_number() over () = 1', 'QUALIFY'],
    ['select a from input having a > 1', 'HAVING'],
    ['select * from input order by a', 'ORDER BY'],
    ['select * from input limit 2', 'LIMIT'],
    ['select * from input offset 1', 'LIMIT'],
    ['select a from input union all select a from input', 'a set operation (UNION, INTERSECT, EXCEPT)'],
    ['select a from input except select n from t', 'a set operation (UNION, INTERSECT, EXCEPT)'],
    ['select * from input tablesample 10%', 'TABLESAMPLE'],
    ['select * from input using sample 2 rows', 'TABLESAMPLE'],
    ['select a, (select n from t using sample 1 rows) as n from input', 'TABLESAMPLE'],
    ['select a, n from input join t tablesample 50% using (b)', 'TABLESAMPLE'],
    ['with s as (select * from t using sample 1) select a, n from input join s using (b)', 'TABLESAMPLE'],
    ['select a, (select reservoir_quantile(n, 0.5) from t) as n from input', 'the function reservoir_quantile'],
    ["select a, age(timestamp '2001-01-01') as n from input", 'age with one argument, the present day its second,'],
    ['select i.a from input i, input j', 'input joined with itself'],
    ['select a from input where a in (select a from input)', 'input in a subquery'],
    ['select a, (select count(*) from input) as n from input', 'input in a subquery'],
    ['select * from (select * from input)', 'input in a subquery'],
    ['with k as (select * from input) select * from k', 'input in a WITH clause'],
    ['with input as (select 1 as a) select * from input', 'a WITH clause named input'],
    ['select a from input right join t using (b)', 'a RIGHT join that adds or loses rows of a table'],
    ['select a from input full join t using (b)', 'a FULL join that adds or loses rows of a table'],
    ['select t.n from t left join input using (b)', 'a LEFT join that adds or loses rows of a table'],
    ['select a, n from input positional join t', 'a POSITIONAL join'],
    ['select n from t', 'a statement that does not read input'],
    ['select 1 as one', 'a statement that does not read input'],
    ['values (1)', 'a statement that does not read input'],
    ['select a, random() as r from input', 'the function random'],
    ['select a, (select random()) as r from input', 'the function random'],
    ['select a, uuid() as u from input', 'the function uuid'],
    ['select a, now() as at from input', 'the function now'],
    ['select a, current_date as day from input', 'the function current_date'],
    ['select a, current_timestamp as day from input', 'the function current_timestamp'],
  ])('refuses %s', async (text, what) => {
    const message = `transform step 1: ${what} would make the rows depend on how the input is cut into slices; a step sees each row on its own, so do this when you read the finished dataset`
    await expect(checkSql(statement(text))).rejects.toMatchObject({ code: 'SQL_NOT_ROWWISE', message })
  })

  it('refuses an aggregate in a subquery beside bound values and after other steps', async () => {
    const steps = [
      sql`select *, ${'x'} as v from input where b = any(${['x', 'y']})`,
      sql`select list_contains(${[1, 2]}, (select max(a))) as m from input where v = ${'x'}`,
    ]
    await expect(convertTask(taskOf({ columns, transform: steps }), { inputs })).rejects.toThrow(
      'transform step 2: an aggregate of input in a subquery',
    )
  })

  it('accepts a column that is named like a clock', async () => {
    const { rows } = await convertTask(
      taskOf({ columns: { current_date: column.string() }, transform: sql`select current_date from input` }),
      { inputs: { 'x.csv': 'current_date\ntoday\n' } },
    )
    expect(rows).toEqual([{ current_date: 'today' }])
  })
})

describe('invalid SQL', () => {
  it.each([
    ['select aa from input', 'unknown column aa; did you mean a'],
    ['select input.bb from input', 'unknown column bb; did you mean b'],
    ['select i.quantity from input i', 'unknown column quantity; there are a, b'],
    ['selec a from input', 'syntax error at or near "selec"'],
    ['select a from input where', 'syntax error at end of input'],
    ['select a, b from\n input where a, b', 'syntax error at or near ",", after select a, b from input where a'],
    [`select 'dürr ${'.'.repeat(50)}' from input wher a`, `near "a", after … ${'.'.repeat(23)}' from input wher`],
    ['select a from input join tt using (b)', 'transform step 1: unknown table tt; did you mean t'],
    ['select a from inputs', 'transform step 1: unknown table inputs; did you mean input'],
    ['select a from input; drop table t', 'expected one SELECT, got another kind of statement'],
    ['select a from input; select b from input', 'expected one SELECT, got 2 statements'],
    ['insert into t values (1)', 'expected one SELECT, got another kind of statement'],
    ['pivot input on b using sum(a)', 'expected one SELECT, got another kind of statement'],
  ])('refuses %s', async (text, message) => {
    await expect(checkSql(statement(text))).rejects.toMatchObject({
      code: expect.stringMatching(/SQL_INVALID|SQL_NOT_ROWWISE/),
      message: expect.stringContaining(message),
    })
  })

  it.each([
    ['select *, upper(b) as b from input', 'b'],
    ['select *, b as B from input', 'B'],
    ['with k as (select 1 as a) select * from input, k', 'a'],
    ['select * from input left join t on t.b = input.b', 'b'],
  ])('refuses %s: two columns of one name', async (text, name) => {
    await expect(checkSql(statement(text))).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: `transform step 1: column ${name} comes out twice; write * replace (… as ${name}) or * exclude (${name}) in place of *, or name one of them otherwise`,
    })
  })

  it('runs none of several statements', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run('create table t as select 1 as n')
    const step = statement('select a from input; drop table t')
    await expect(
      checkTransform(connection, { input: 'select 1 as a', steps: [step], maps: {} as never, tables: [] }),
    ).rejects.toMatchObject({
      code: 'SQL_INVALID',
    })
    expect((await connection.runAndReadAll('select n from t')).getRows()).toEqual([[1]])
    connection.closeSync()
  })

  it('refuses a column that a function adds beside one of the same name in another case', async () => {
    const transform = mapRows(() => ({ A: 'x' }), { adds: { A: column.string() } })
    await expect(convertTask(taskOf({ columns, transform }), { inputs })).rejects.toMatchObject({
      code: 'SQL_INVALID',
      message: 'task tested: transform step 1: column A comes out twice; name one of them otherwise',
    })
  })

  it('fails with `where` or the number of its step in transform', async () => {
    const none = sql`select c from input`
    const where = sql`c > 1`
    const failing = (more: object) => convertTask(taskOf({ columns, ...more }), { inputs })
    await expect(failing({ where, transform: [none] })).rejects.toThrow('where: unknown column c')
    await expect(failing({ where: sql`a > 1`, transform: [none] })).rejects.toThrow(
      'transform step 1: unknown column c',
    )
    await expect(failing({ where: sql`count(*) > 1` })).rejects.toThrow('where: the aggregate count_star')
  })

  it('refuses a type that Parquet does not have', async () => {
    await expect(convertSql(sql`select a::hugeint as wide from input`)).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
      detail: { column: 'wide' },
    })
  })
})

describe('bound values', () => {
  it.each([
    ["x'; drop table input; --", "x'; drop table input; --", 'VARCHAR'],
    [7, '7', 'INTEGER'],
    [2 ** 40, '1099511627776', 'BIGINT'],
    [1.5, '1.5', 'DOUBLE'],
    [1e300, '1e+300', 'DOUBLE'],
    [true, 'true', 'BOOLEAN'],
    [null, null, 'INTEGER'],
    [['a', "b'"], "[a, 'b\\'']", 'VARCHAR[]'],
    [[1, 2], '[1, 2]', 'INTEGER[]'],
    [[1, 2 ** 40], '[1, 1099511627776]', 'BIGINT[]'],
    [[1.5, 2], '[1.5, 2.0]', 'DOUBLE[]'],
    [[], '[]', 'INTEGER[]'],
  ])('passes %j to the engine as this value', async (value, text, type) => {
    const { rows, schema } = await convertSql(sql`select ${value} as v from input where a = 1`)
    expect(rows).toEqual([{ v: text }])
    expect(schema).toEqual([{ name: 'v', type }])
  })

  it('passes a bigint as a BIGINT', async () => {
    const { rows, schema } = await convertSql(sql`select ${-5n} as v from input where a = 1`)
    expect([rows, schema]).toEqual([[{ v: '-5' }], [{ name: 'v', type: 'BIGINT' }]])
  })

  it('compares lists with columns, in where and in later steps', async () => {
    const steps = [
      sql`select * from input where a in (select unnest(${[1, 2, 3]}))`,
      sql`select a, ${'k'} as k from input where list_contains(${['x']}, b) or b = any(${[] as string[]})`,
    ]
    const { rows } = await convertTask(taskOf({ columns, where: sql`a <> ${3}`, transform: steps }), { inputs })
    expect(rows).toEqual([{ a: '1', k: 'k' }])
  })

  it('never makes a value a part of the statement', async () => {
    const { rows } = await convertSql(sql`select a from input where b = ${"x' or '1'='1"}`)
    expect(rows).toEqual([])
  })
})
