import { describe, expect, it } from 'vitest'
import type { Step } from '../../../lib/define/definition.ts'
import {
  column,
  csv,
  files,
  jsonLines,
  param,
  parquet,
  parquetFiles,
  sql,
  zipMembers,
} from '../../../lib/define/index.ts'
import { buildZip } from '../../zip-builder.ts'
import {
  type ConversionResult,
  convertTask,
  mapBatches,
  mapRows,
  parquetOf,
  type TestTaskOptions,
  taskOf,
} from '../converting.ts'

const columns = { a: column.int32(), b: column.string() }
const inputs = { 'x.csv': 'a,b\n1,x\n2,y\n3,\n' }

const convertMap = (transform: Step | readonly Step[], options: TestTaskOptions = {}): Promise<ConversionResult> =>
  convertTask(taskOf({ columns, transform, ...options }), { inputs })

// biome-ignore lint/suspicious/noExplicitAny: the rows of a step in a list have no type
type Row = any

describe('mapRows', () => {
  it('adds columns and leaves the others', async () => {
    const { rows, schema } = await convertMap(
      mapRows((row: Row) => ({ twice: BigInt(row.a * 2) }), { adds: { twice: column.int64() } }),
    )
    expect(rows).toEqual([
      { a: '1', b: 'x', twice: '2' },
      { a: '2', b: 'y', twice: '4' },
      { a: '3', b: null, twice: '6' },
    ])
    expect(schema).toEqual([
      { name: 'a', type: 'INTEGER' },
      { name: 'b', type: 'VARCHAR' },
      { name: 'twice', type: 'BIGINT' },
    ])
  })

  it('takes a spread row, with columns changed and added', async () => {
    const { rows } = await convertMap(
      mapRows((row: Row) => ({ ...row, a: row.a + 10, c: row.b }), { adds: { c: column.string() } }),
    )
    expect(rows).toEqual([
      { a: '11', b: 'x', c: 'x' },
      { a: '12', b: 'y', c: 'y' },
      { a: '13', b: null, c: null },
    ])
  })

  it('changes the type of a column that is in adds', async () => {
    const { rows, schema } = await convertMap(
      mapRows((row: Row) => ({ a: `#${row.a}` }), { adds: { a: column.string() } }),
    )
    expect(rows.map(row => row.a)).toEqual(['#1', '#2', '#3'])
    expect(schema[0]).toEqual({ name: 'a', type: 'VARCHAR' })
  })

  it('drops rows that become null, also when no later step reads what it adds', async () => {
    const keep = mapRows((row: Row) => (row.a > 1 ? { c: 1 } : null), { adds: { c: column.int32() } })
    const { rows, results } = await convertMap([keep, sql`select b from input`])
    expect(rows).toEqual([{ b: 'y' }, { b: null }])
    expect(results[0]).toMatchObject({ rowsRead: 3, recordsFound: 3, rowsWritten: 2 })
  })

  it('drops rows without adding columns', async () => {
    expect((await convertMap(mapRows((row: Row) => (row.b ? row : null)))).rows).toEqual([
      { a: '1', b: 'x' },
      { a: '2', b: 'y' },
    ])
  })

  it('makes several rows of one, or none', async () => {
    const { rows, results } = await convertMap(
      mapRows((row: Row) => Array.from({ length: row.a - 1 }, (_, n) => ({ n })), { adds: { n: column.int32() } }),
    )
    expect(rows).toEqual([
      { a: '2', b: 'y', n: '0' },
      { a: '3', b: null, n: '0' },
      { a: '3', b: null, n: '1' },
    ])
    expect(results[0]).toMatchObject({ rowsRead: 3, rowsWritten: 3 })
  })

  it('learns what a function does late in its rows', async () => {
    const text = `a,b\n${Array.from({ length: 5000 }, (_, n) => `${n},v\n`).join('')}`
    const late = mapRows((row: Row) =>
      row.a < 4000 ? {} : row.a < 4500 ? { b: 'changed' } : row.a % 2 ? null : [row, row],
    )
    const { rows } = await convertTask(taskOf({ columns, transform: late }), { inputs: { 'x.csv': text } })
    expect(rows).toHaveLength(4500 + 500)
    expect(rows.filter(row => row.b === 'changed')).toHaveLength(500)
  })

  it('works over several steps, with SQL before, between and after', async () => {
    const { rows } = await convertMap([
      sql`select a + ${1} as a, b from input where b is not null`,
      mapRows((row: Row) => ({ c: row.a * 10 }), { adds: { c: column.int32() } }),
      sql`select *, c + ${0.5} as d from input`,
      mapRows((row: Row) => (row.d > 25 ? { e: String(row.d) } : null), { adds: { e: column.string() } }),
    ])
    expect(rows).toEqual([{ a: '3', b: 'y', c: '30', d: '30.5', e: '30.5' }])
  })

  it('passes each type as its row type declares, and accepts it unchanged', async () => {
    const types = {
      flag: column.boolean(),
      i64: column.int64(),
      u64: column.uint64(),
      f32: column.float32(),
      f64: column.float64(),
      price: column.decimal(20, 2),
      day: column.date(),
      at: column.time(),
      when: column.timestamp(),
      zoned: column.timestamptz(),
      doc: column.json(),
      list: column.list(column.int32()),
      nested: column.list(column.list(column.string())),
    }
    const row = {
      flag: true,
      i64: '9223372036854775807',
      u64: '18446744073709551615',
      f32: 1.5,
      f64: 0.1,
      price: '-1.50',
      day: '0099-12-31',
      at: '23:59:58.5',
      when: '1969-12-31T23:59:59.123',
      zoned: '2001-02-03T04:05:06Z',
      doc: { k: [1] },
      list: [1, null],
      nested: [['a'], []],
    }
    const seen: Row[] = []
    const names = Object.keys(types)
    const adds = Object.fromEntries(Object.entries(types).map(([name, type]) => [`${name}_2`, type]))
    const copy = mapRows(
      (each: Row) => {
        seen.push({ ...each })
        return Object.fromEntries(names.map(name => [`${name}_2`, each[name]]))
      },
      { adds } as never,
    )
    const text = `${JSON.stringify(row)}\n{}\n`
    const { rows } = await convertTask(
      taskOf({ source: files({ paths: '*', format: jsonLines() }), columns: types, transform: copy as never }),
      { inputs: { 'x.jsonl': text } },
    )
    expect(seen[0]).toEqual({
      flag: true,
      i64: 9223372036854775807n,
      u64: 18446744073709551615n,
      f32: 1.5,
      f64: 0.1,
      price: '-1.50',
      day: '0099-12-31',
      at: '23:59:58.5',
      when: new Date('1969-12-31T23:59:59.123Z'),
      zoned: new Date('2001-02-03T04:05:06Z'),
      doc: '{"k":[1]}',
      list: [1, null],
      nested: [['a'], []],
    })
    expect(seen[1]).toEqual(Object.fromEntries(names.map(name => [name, null])))
    for (const each of rows) for (const name of names) expect(each[`${name}_2`], name).toEqual(each[name])
  })

  it('keeps the microseconds of a timestamp that it does not change', async () => {
    const types = { a: column.int32(), when: column.timestamp() }
    const map = mapRows((row: Row) => ({ ...row, when: row.a === 1 ? '2001-01-01T00:00:00.000001' : row.when }))
    const text = 'a,when\n1,2000-01-01 00:00:00\n2,2000-01-01 00:00:00.123456\n3,1960-01-01 00:00:00.000001\n'
    const { rows } = await convertTask(taskOf({ columns: types, transform: map }), { inputs: { 'x.csv': text } })
    expect(rows.map(row => row.when)).toEqual([
      '2001-01-01 00:00:00.000001',
      '2000-01-01 00:00:00.123456',
      '1960-01-01 00:00:00.000001',
    ])
  })

  it('takes a spread row of types that JavaScript has not, and changes their neighbours', async () => {
    const query = `select 1 as n, timestamp_ns '2001-02-03 04:05:06.123456789' as ns, '2001-02-03 04:05:06'::timestamp_s as s,
      {'a': 1, 'b': [1, 2]} as struct, 'a\\xFF'::blob as bytes, interval 3 days as period, map {'k': 1} as pairs,
      [timestamp_ns '2001-02-03 04:05:06.123456789'] as list union all select 2, null, null, null, null, null, null, null`
    const given = await parquetOf(query)
    const seen: Row[] = []
    const source = files({ paths: '*', format: parquetFiles() })
    const changing = mapRows((row: Row) => {
      seen.push({ ns: row.ns, s: row.s })
      return { ...row, n: row.n + 1, s: row.n === 2 ? new Date(0) : row.s, ns: row.n === 2 ? '2002-01-01' : row.ns }
    })
    const read = (transform: readonly Step[]) =>
      convertTask(taskOf({ source, transform, columns: undefined }), { inputs: { 'x.parquet': given } })
    const [before, after] = [await read([]), await read([changing])]
    expect(after.rows).toEqual([
      { ...before.rows[0], n: '2' },
      { ...before.rows[1], n: '3', s: '1970-01-01 00:00:00', ns: '2002-01-01 00:00:00' },
    ])
    expect(seen[0]).toEqual({ ns: new Date('2001-02-03T04:05:06.123Z'), s: new Date('2001-02-03T04:05:06Z') })
    const writing = mapRows((row: Row) => ({ pairs: row.n }))
    await expect(read([writing])).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: expect.stringContaining('x.parquet: column pairs: expected the value unchanged'),
    })
  })

  it.each([
    ['mapRows', mapRows(() => ({ seasn: 'x' }), { adds: { season: column.string() } })],
    ['mapBatches', mapBatches(() => ({ seasn: ['x'] }), { adds: { season: column.string() } })],
  ])('name the nearest column when %s returns one that does not exist', async (kind, step) => {
    await expect(convertMap(step)).rejects.toThrow(
      `${kind} returned seasn, which is neither a column nor in adds, did you mean season; add seasn: column.…() to adds`,
    )
  })

  it.each([
    [
      'a column that nobody declared',
      () => ({ zzz: 1 }),
      'mapRows returned zzz, which is neither a column nor in adds; add zzz: column.…() to adds',
    ],
    ['no object', () => 5, 'mapRows: expected an object, an array of objects or null, got number'],
    [
      'a Map',
      () => new Map([['a', 1]]),
      'mapRows: expected an object, an array of objects or null, got a value of type Map',
    ],
    [
      'a Date among rows',
      () => [{}, new Date(0)],
      'mapRows: expected an array of objects, got one with a value of type Date',
    ],
    ['nothing among rows', () => [undefined, {}], 'mapRows: expected an array of objects, got one with undefined'],
    ['nothing', () => undefined, 'mapRows: expected an object, an array of objects or null, got undefined'],
    [
      'a promise',
      async () => ({}),
      'mapRows: expected an object, an array of objects or null, got a promise (mapRows is synchronous; fetch in setup)',
    ],
  ])('refuses %s as a row', async (_name, map, message) => {
    await expect(convertMap(mapRows(map as never))).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: `x.csv, line 2: ${message}`,
    })
  })

  it('fails with archive, member and line when a function throws, among rejects and quoted newlines', async () => {
    const archive = buildZip({ 'ok.csv': 'a,b\n1,x\n', 'bad.csv': 'b,a\n"two\nlines",1\nx,y\n"p\nq",7\nz,8\n' })
    const source = zipMembers({ paths: '*.zip', format: csv() })
    const thrower = mapRows((row: Row) => {
      if (row.a === 7) throw new RangeError('seven')
      return row
    })
    const failing = convertTask(taskOf({ source, columns, transform: thrower }), { inputs: { 'z.zip': archive } })
    await expect(failing).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      message: 'z.zip, member bad.csv, line 5: the mapRows function threw: seven',
      detail: { archive: 'z.zip', member: 'bad.csv', line: 5, record: 3 },
    })
  })

  it('fails with archive, member and line when the SQL of a step fails', async () => {
    await expect(convertMap(sql`select cast(b as int) as n from input where b = 'y'`)).rejects.toMatchObject({
      code: 'TRANSFORM_FAILED',
      detail: { archive: 'x.csv', line: 3, record: 2 },
    })
  })

  it('keeps a row view from being changed', async () => {
    const writer = mapRows((row: Row) => {
      row.a = 5
      return row
    })
    await expect(convertMap(writer)).rejects.toMatchObject({ code: 'TRANSFORM_FAILED' })
  })
})

describe('the context of a function', () => {
  it('has the parameters, and the state that setup made once', async () => {
    let setups = 0
    const transform = mapRows(
      (row: Row, context: Row) => ({ c: `${context.params.month} ${context.state.name} ${row.a}` }),
      { adds: { c: column.string() } },
    )
    const setup = async (context: Row): Promise<unknown> => ({ name: `${context.params.month}-${++setups}` })
    const definition = taskOf({
      params: { month: param.month() },
      columns,
      transform,
      setup,
      output: parquet({ path: '{month}' }),
    })
    const { rows } = await convertTask(definition, { inputs, params: { month: '2001-01' } })
    expect(rows.map(row => row.c)).toEqual(['2001-01 2001-01-1 1', '2001-01 2001-01-1 2', '2001-01 2001-01-1 3'])
    expect(setups).toBe(1)
  })

  it('has archive and member of each row, for any grouping of the slices', async () => {
    const source = zipMembers({ paths: '*.zip', format: csv() })
    const transform = mapRows((_row: Row, context: Row) => ({ from: `${context.archive}/${context.member}` }), {
      adds: { from: column.string() },
    })
    const archive = buildZip({
      'one.csv': 'a,b\n1,x\n2,y\n',
      'two.csv': 'a,b\n3,x\n',
      'empty.csv': '',
      'three.csv': 'b,a\nq,4\n',
    })
    const other = buildZip({ 'four.csv': 'a,b\n5,x\nbad,y\n', 'five.csv': 'a,b\n6,z\n' })
    for (const groupBytes of [1, 1e8]) {
      const { rows, rejects, results } = await convertTask(taskOf({ source, columns, transform }), {
        inputs: { 'm.zip': archive, 'n.zip': other },
        groupBytes,
      })
      expect(rows.map(row => `${row.a} ${row.from}`).sort()).toEqual([
        '1 m.zip/one.csv',
        '2 m.zip/one.csv',
        '3 m.zip/two.csv',
        '4 m.zip/three.csv',
        '5 n.zip/four.csv',
        '6 n.zip/five.csv',
      ])
      expect(rejects).toMatchObject([{ archive: 'n.zip', member: 'four.csv', line: 3, received: 'bad' }])
      expect(results[0]?.accounts.map(({ member, records, rejected }) => [member, records, rejected]).sort()).toEqual([
        ['empty.csv', 0, 0],
        ['five.csv', 1, 0],
        ['four.csv', 2, 1],
        ['one.csv', 2, 0],
        ['three.csv', 1, 0],
        ['two.csv', 1, 0],
      ])
    }
  })

  it('has the key as the member of a file that is not in an archive', async () => {
    const { rows } = await convertMap(mapRows((_row: Row, { member, archive }: Row) => ({ b: `${archive} ${member}` })))
    expect(new Set(rows.map(row => row.b))).toEqual(new Set(['x.csv x.csv']))
  })
})
