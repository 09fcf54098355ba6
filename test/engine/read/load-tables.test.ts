import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { TableDefinition } from '../../../lib/define/definition.ts'
import { column, csv, jsonLines, lines, parquetFiles, sql, table } from '../../../lib/define/index.ts'
import { convertTask, parquetOf, taskOf } from '../converting.ts'

/** The rows of a table, joined to three rows of input. */
async function readTable(definition: TableDefinition, content: string | Uint8Array): Promise<readonly unknown[]> {
  const transform = sql`select t.* from input join t on t.k = input.k`
  const tested = taskOf({ columns: { k: column.string() }, tables: { t: definition }, transform })
  return (
    await convertTask(tested, {
      inputs: { 'x.csv': 'k\na\nb\nc\n' },
      tables: { t: { name: definition.path ?? '', content } },
    })
  ).rows
}

const unfit = await parquetOf("select 'a' as k, 2.0 as n union all select 'b', 1.6")
const absent = await parquetOf('select null::varchar as k')
const typed = { k: column.string(), n: column.int32(), d: column.date() }

describe('a broadcast table', () => {
  it.each([
    [
      'CSV with columns',
      table('t.csv', csv(), typed),
      'd,k,more,n\n2001-02-03,a,x,1\n,b,y,\n',
      [
        { k: 'a', n: '1', d: '2001-02-03' },
        { k: 'b', n: null, d: null },
      ],
    ],
    [
      'CSV without columns',
      table('t.csv', csv()),
      'k,n,f\na,1,"x, y"\nb,2,""\n',
      [
        { k: 'a', n: '1', f: 'x, y' },
        { k: 'b', n: '2', f: '' },
      ],
    ],
    [
      'CSV without a header',
      table('t.csv', csv({ header: false, delimiter: ';' }), { n: column.int32(), k: column.string() }),
      '1;a\n2;b\n',
      [
        { n: '1', k: 'a' },
        { n: '2', k: 'b' },
      ],
    ],
    [
      'CSV with rows that begin with #',
      table('t.csv', csv(), { k: column.string(), n: column.int32() }),
      'k,n\na,1\n#2,2\n#3,3\nc,4\n',
      [
        { k: 'a', n: '1' },
        { k: 'c', n: '4' },
      ],
    ],
    [
      'CSV without columns, and texts that no row has as null',
      table('t.csv', csv({ nullValues: [] })),
      'k,f\na,\n#b,#\nc,x\n',
      [
        { k: 'a', f: '' },
        { k: 'c', f: 'x' },
      ],
    ],
    [
      'CSV with comments that the format names',
      table('t.csv', csv({ comment: '#' }), { k: column.string(), n: column.int32() }),
      '# of today\nk,n\na,1\n# b,2\n',
      [{ k: 'a', n: '1' }],
    ],
    ['compressed CSV', table('t.csv.gz', csv(), { k: column.string() }), gzipSync('k\na\n'), [{ k: 'a' }]],
    [
      'JSON lines with columns',
      table('t.jsonl', jsonLines(), typed),
      '{"k":"a","n":1,"d":"2001-02-03"}\n{"k":"b"}\n',
      [
        { k: 'a', n: '1', d: '2001-02-03' },
        { k: 'b', n: null, d: null },
      ],
    ],
    [
      'JSON lines without columns',
      table('t.jsonl', jsonLines()),
      '{"k":"a","n":1}\n{"k":"b","n":2}\n',
      [
        { k: 'a', n: '1' },
        { k: 'b', n: '2' },
      ],
    ],
    [
      'lines',
      table('t.log', lines({ pattern: /(?<k>\w) (?<n>\d+)/ }), { k: column.string(), n: column.int32() }),
      'a 1\nb 2\n',
      [
        { k: 'a', n: '1' },
        { k: 'b', n: '2' },
      ],
    ],
    [
      'lines without columns',
      table('t.log', lines({ pattern: /(?<k>\w) (?<n>\d+)/ })),
      'a 1\nb 2\n',
      [
        { k: 'a', n: '1' },
        { k: 'b', n: '2' },
      ],
    ],
  ] as const)('is read from %s', async (_name, definition, content, rows) => {
    expect(await readTable(definition, content)).toEqual(rows)
  })

  it.each([
    ['k\r\na\r\n#\r\n\r\n""\r\n\r\nb\r\n\r\n', csv(), ['a', '#', '', 'b']],
    ['k\na\nNA\n\nb\n', csv({ nullValues: ['NA', ''] }), ['a', null, 'b']],
    ['\n\nk\na\n\nb', csv(), ['a', 'b']],
    ['\uFEFF\r\n\r\nk\r\na\r\n', csv(), ['a']],
    ['a\n\nb\n', csv({ header: false }), ['a', 'b']],
    ['k\na\n\nb\n', csv({ delimiter: ' ' }), ['a', 'b']],
  ])('with one column has no row for a blank line: %j', async (content, format, keys) => {
    const tables = { t: table('t.csv', format, { k: column.string() }) }
    const done = await convertTask(
      taskOf({ tables, columns: { x: column.string() }, transform: sql`select t.* from input, t` }),
      {
        inputs: { 'x.csv': 'x\n1\n' },
        tables: { t: { name: 't.csv', content } },
      },
    )
    expect(done.rows.map(row => row.k)).toEqual(keys)
  })

  it('without columns has no row for a blank line either, of CSV or of a log', async () => {
    const tables = { t: table('t.csv', csv()), l: table('l.log', lines({ pattern: /(?<k>\w)/ })) }
    const transform = sql`select x, x not in (select k from t) as t, x not in (select k from l) as l from input`
    const done = await convertTask(taskOf({ tables, columns: { x: column.string() }, transform }), {
      inputs: { 'x.csv': 'x\na\nc\n' },
      tables: { t: { name: 't.csv', content: 'k\na\n\nb\n\n' }, l: { name: 'l.log', content: 'a\n\nb\n\n' } },
    })
    expect(done.rows).toEqual([
      { x: 'a', t: 'false', l: 'false' },
      { x: 'c', t: 'true', l: 'true' },
    ])
  })

  it('is read from Parquet, with columns and without', async () => {
    const content = await parquetOf("select 'a' as k, 1::bigint as n")
    expect(await readTable(table('t.parquet', parquetFiles()), content)).toEqual([{ k: 'a', n: '1' }])
    expect(
      await readTable(table('t.parquet', parquetFiles(), { n: column.int32(), k: column.string() }), content),
    ).toEqual([{ n: '1', k: 'a' }])
  })

  it.each([
    [
      'a value that does not fit',
      table('t.csv', csv(), typed),
      'k,n,d\na,1,\n"b\nc",1.5,\n',
      'table t, row 2: column n: expected int32; fix the table, or its columns',
      '1.5',
    ],
    [
      'a null where one is required',
      table('t.csv', csv(), { k: column.string({ required: true }) }),
      'k,n\na,1\n,2\n',
      'table t, row 2: column k: expected required string; fix the table, or its columns',
      'null',
    ],
    [
      'other fields than its header',
      table('t.csv', csv(), typed),
      'k,n,d\na,1,\nb,2\n',
      'table t: Invalid Input Error on line 3',
      'CSV Error on Line: 3',
    ],
    [
      'two columns of one name',
      table('t.csv', csv(), typed),
      'k,n,K,d\na,1,b,\n',
      'table t: expected distinct column names in the header, got "k" and "K"; rename one of them',
    ],
    [
      'two columns of one name that are not read, and one that is',
      table('t.csv', csv(), typed),
      'k,x,x,n,N,d\na,1,b,1,2,\n',
      'table t: expected distinct column names in the header, got "n" and "N"; rename one of them',
    ],
    [
      'two columns of one name, compressed and without columns',
      table('t.csv.gz', csv()),
      gzipSync(`${'x'.repeat(100_000)},n,N\na,1,b\n`),
      'table t: expected distinct column names in the header, got "n" and "N"; rename one of them',
    ],
    [
      'no such column',
      table('t.csv', csv(), { k: column.string(), zzz: column.int32() }),
      'k,n\na,1\n',
      'table t: expected the columns k, zzz, got a header without zzz; fix the table, or its columns',
    ],
    [
      'JSON that is none',
      table('t.jsonl', jsonLines(), typed),
      '{"k":"a"}\nnonsense\n',
      'table t: Invalid Input Error',
      'Malformed JSON',
    ],
    [
      'JSON that does not fit',
      table('t.jsonl', jsonLines(), typed),
      '{"k":"a"}\n{"k":"b","n":"x"}\n',
      'table t, row 2: column n: expected int32',
      'x',
    ],
    [
      'a line that does not match',
      table('t.log', lines({ pattern: /(?<k>\w) (?<n>\d+)/ })),
      'a 1\nbad\n',
      'table t, row 2: expected a line that matches the pattern',
      'bad',
    ],
    ['no Parquet', table('t.parquet', parquetFiles()), 'nonsense', 'table t: expected a Parquet file'],
    [
      'no Parquet where columns are said',
      table('t.parquet', parquetFiles(), typed),
      'nonsense',
      'table t: expected a Parquet file',
    ],
    [
      'Parquet that does not fit',
      table('t.parquet', parquetFiles(), { k: column.string(), n: column.int32() }),
      unfit,
      'table t, row 2: column n: expected int32',
      '1.6',
    ],
    [
      'Parquet with a null where none may be',
      table('t.parquet', parquetFiles(), { k: column.string({ required: true }) }),
      absent,
      'table t, row 1: column k: expected required string',
      'null',
    ],
  ] as const)(
    'with %s fails with its name and the row',
    async (_name, definition, content, message, received?: string) => {
      await expect(readTable(definition, content)).rejects.toMatchObject({
        code: 'INPUT_INVALID',
        message: expect.stringContaining(message),
        detail: { table: 't', ...(received !== undefined && { received: expect.stringContaining(received) }) },
      })
    },
  )
})
