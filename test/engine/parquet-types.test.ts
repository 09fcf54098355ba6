/** Every physical and logical type of Parquet that other tools write; the files are in test/fixtures/parquet. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Columns } from '../../lib/define/definition.ts'
import { column, files, parquetFiles, table, zipMembers } from '../../lib/define/index.ts'
import { buildZip } from '../zip-builder.ts'
import { convertTask, mapRows, taskOf } from './converting.ts'

const source = files({ paths: '**/*.parquet', format: parquetFiles() })
const fixture = (name: string): Uint8Array => readFileSync(`test/fixtures/parquet/${name}.parquet`)

interface Expected {
  readonly rows?: readonly (string | null)[]
  /** Line and what was received. */
  readonly rejects?: readonly string[]
  readonly type?: string
}

async function read(name: string, columns?: Columns, options = {}) {
  const task = taskOf({ source, ...(columns && { columns }), ...options })
  const done = await convertTask(task, { inputs: { 'a.parquet': fixture(name) } })
  const key = columns
    ? (Object.keys(columns)[0] ?? '')
    : (done.schema.find(({ name }) => name !== 'n' && name !== 'id')?.name ?? '')
  return {
    type: done.schema.find(({ name }) => name === key)?.type,
    rows: done.rows.map(row => row[key]),
    rejects: done.rejects.map(({ line, received }) => `${line}: ${received}`),
  }
}

describe('a Parquet column without declared columns', () => {
  it.each<[string, Expected]>([
    ['binary', { type: 'BLOB', rows: ['caf\\xC3\\xA9', null, '\\xFF\\xFE'] }],
    ['fixed', { type: 'BLOB', rows: ['abcd', null, '\\xFF\\x00\\x01\\x02'] }],
    // The well-known bytes of POINT (1 2).
    ['geometry', { type: 'BLOB', rows: [`\\x01\\x01${'\\x00'.repeat(9)}\\xF0?${'\\x00'.repeat(7)}@`] }],
    ['dec_38_10', { type: 'DECIMAL(38,10)', rows: ['1.0000000000', null] }],
    ['t_ns', { type: 'TIME', rejects: ['1: 00:00:00.000000001', '2: 23:59:59.999999999'] }],
    ['t_us_big', { type: 'TIME', rows: [], rejects: ['1: 86400000000 µs', '2: -1 µs'] }],
    ['ts_ns', { type: 'TIMESTAMP_NS', rows: ['2023-11-14 22:13:20.123456789', '2023-11-14 22:13:20.123456', null] }],
    [
      'ts_ns_tz',
      {
        type: 'TIMESTAMP WITH TIME ZONE',
        rows: ['2023-11-14 22:13:20.123456+00', null],
        rejects: ['1: 2023-11-14 22:13:20.123456789+00'],
      },
    ],
    [
      'ts_ms_far',
      {
        type: 'TIMESTAMP',
        rows: [],
        rejects: ['1: 9223372036854775807 ms', '2: -9223372036854775808 ms', '3: 4611686018427387904 ms'],
      },
    ],
    [
      'ts_us_far',
      { rows: ['148108-07-06 14:00:27.387904'], rejects: ['1: 9223372036854775807 µs', '2: -9223372036854775808 µs'] },
    ],
    [
      'ts_ns_far',
      { rows: ['2116-02-20 23:53:38.427387904'], rejects: ['1: 9223372036854775807 ns', '2: -9223372036854775808 ns'] },
    ],
    ['date_far', { type: 'DATE', rows: ['5877642-06-23 (BC)', null], rejects: ['1: infinity'] }],
    [
      'int96_far',
      { type: 'TIMESTAMP', rows: ['291049-12-21 23:59:24', '283230-05-10 (BC) 08:00:00', '9999-12-31 23:59:59'] },
    ],
    ['int96_ns', { rows: [null, '1970-01-01 00:00:00.000001'], rejects: ['1: 1970-01-01 00:00:00.000001001'] }],
    ['str_bad_utf8', { type: 'VARCHAR', rows: ['a', 'c'], rejects: ['2: \\xFF'] }],
    ['list_badutf8', { type: 'VARCHAR[]', rows: ['[a]'], rejects: ['2: [\\xFF\\xFE]'] }],
    ['list_tns', { type: 'TIME[]', rows: [], rejects: ['1: [1001]'] }],
    ['json', { rows: ['{"a":1}'], rejects: ['2: x'] }],
    ['uuid', { type: 'UUID', rows: ['30313233-3435-3637-3839-616263646566'] }],
    ['float16', { type: 'FLOAT', rows: ['1.5', null, 'nan'] }],
    ['dur_us', { type: 'BIGINT', rows: ['1', null] }],
  ])('of %s is read, or becomes a reject', async (name, expected) => {
    expect(await read(name)).toMatchObject({ rejects: [], ...expected })
  })

  it.each([
    ['dec256b', 'v: expected a decimal of at most 38 digits, got one of 40'],
    ['list_dec40', 'v: expected a decimal of at most 38 digits, got one of 40'],
    ['struct_dec40', 'v: expected a decimal of at most 38 digits, got one of 40'],
    ['dupname', 'v: expected columns of different names, got this one twice'],
    ['variant', 'v: expected a column of one type, got a VARIANT'],
  ])('of %s is refused with file and column', async (name, message) => {
    await expect(read(name)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining(`a.parquet, column ${message}`),
      detail: { archive: 'a.parquet', column: 'v' },
    })
  })
})

describe('a declared Parquet column', () => {
  it.each<[string, Columns, Expected]>([
    ['bin_text', { v: column.string() }, { rows: ['abc', 'über', '日本', 'back\\slash', 'quote"', null] }],
    ['bin_json', { v: column.json() }, { rows: ['{"a":1}', '[1]', null] }],
    ['binary', { v: column.string() }, { rows: ['café', null], rejects: ['3: \\xFF\\xFE'] }],
    ['binary', { v: column.binary() }, { type: 'BLOB', rows: ['caf\\xC3\\xA9', null, '\\xFF\\xFE'] }],
    ['binary', { v: column.binary({ nullValues: ['café'] }) }, { rows: [null, null, '\\xFF\\xFE'] }],
    ['str_bad_utf8', { v: column.binary() }, { rows: ['a', '\\xFF', 'c'] }],
    ['uuid', { v: column.binary() }, { rows: [], rejects: ['1: 30313233-3435-3637-3839-616263646566'] }],
    ['list_bin', { v: column.list(column.string()) }, { type: 'VARCHAR[]', rows: ['[café]', null] }],
    ['list_bin', { v: column.list(column.binary()) }, { type: 'BLOB[]', rows: ['[caf\\xC3\\xA9]', null] }],
    ['struct_bin', { v: column.json() }, { rows: ['{"a":"café"}', null] }],
    ['map_bin', { v: column.json() }, { rows: [null], rejects: ['1: {a=\\xFF}'] }],
    [
      'ts_ns_tz',
      { v: column.string() },
      { rows: ['2023-11-14 22:13:20.123456+00', null], rejects: ['1: 2023-11-14 22:13:20.123456789+00'] },
    ],
    [
      'ts_ns_far',
      { v: column.timestamp() },
      {
        rows: [],
        rejects: ['1: 9223372036854775807 ns', '2: -9223372036854775808 ns', '3: 2116-02-20 23:53:38.427387904'],
      },
    ],
  ])('reads %s as its type, or makes rejects', async (name, columns, expected) => {
    expect(await read(name, columns)).toMatchObject({ rejects: [], ...expected })
  })

  it('drops digits below the microsecond where the task is not strict', async () => {
    const done = await read('ts_ns_tz', { v: column.timestamptz() }, { strict: false })
    expect(done).toMatchObject({
      rows: ['2023-11-14 22:13:20.123456+00', '2023-11-14 22:13:20.123456+00', null],
      rejects: [],
    })
  })

  it('may stand beside columns that cannot be read', async () => {
    expect((await read('dec256b', { id: column.int64() })).rows).toEqual(['0', '1', '2'])
    expect((await read('dupname', { id: column.int64() }, { onMissingColumn: 'null' })).rejects).toEqual([])
    await expect(read('dec256b', { id: column.int64() }, { onNewColumn: 'keep' })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
  })

  it('is read the same way in a member of a zip and in a table', async () => {
    const zip = buildZip({ 'm.parquet': fixture('str_bad_utf8') })
    const inZip = zipMembers({ paths: '*.zip', format: parquetFiles() })
    const done = await convertTask(taskOf({ source: inZip }), { inputs: { 'a.zip': zip } })
    expect(done.rejects).toMatchObject([{ archive: 'a.zip', member: 'm.parquet', line: 2, received: '\\xFF' }])
    const task = taskOf({
      source: files({ paths: '*.parquet', format: parquetFiles() }),
      tables: { t: table('t.pq', parquetFiles()) },
    })
    const tables = { t: { name: 't.pq', content: fixture('str_bad_utf8') } }
    await expect(convertTask(task, { inputs: { 'a.parquet': fixture('uuid') }, tables })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('table t, row 2: column v'),
    })
  })
})

describe('a binary column', () => {
  it('is a Uint8Array for map functions, which return one', async () => {
    const reversed = mapRows((row: { v: Uint8Array | null }) => ({ v: row.v && Uint8Array.from(row.v).reverse() }), {
      adds: { v: column.binary() },
    })
    const done = await read('binary', { v: column.binary() }, { transform: [reversed] })
    expect(done.rows).toEqual(['\\xA9\\xC3fac', null, '\\xFE\\xFF'])
    const text = mapRows(() => ({ v: 'text' }) as never, { adds: { v: column.binary() } })
    await expect(read('binary', { v: column.binary() }, { transform: [text] })).rejects.toMatchObject({
      message: expect.stringContaining('column v: expected a Uint8Array'),
    })
  })

  it('holds the UTF-8 bytes of the texts of CSV and JSON lines', async () => {
    const csvTask = taskOf({ columns: { v: column.binary({ required: true }), n: column.int32() } })
    const done = await convertTask(csvTask, { inputs: { 'a.csv': 'v,n\n\\xFFé,1\n,2\n"",3\n' } })
    expect(done.rows).toEqual([
      { v: '\\x5CxFF\\xC3\\xA9', n: '1' },
      { v: '', n: '3' },
    ])
    expect(done.rejects).toMatchObject([{ column: 'v', expected: 'required binary' }])
  })

  it('is refused in partitionBy', async () => {
    const { parquet } = await import('../../lib/define/index.ts')
    const output = parquet({ path: 'out', partitionBy: ['v'] })
    await expect(read('binary', { v: column.binary(), n: column.int32() }, { output })).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
      message: expect.stringContaining('partitionBy: expected columns that have a text, got v of type binary'),
    })
  })
})
