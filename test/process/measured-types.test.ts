/** Measures and `distinct` over columns of all types that the engine can give to a step, however rows are cut. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { datasetAt } from '../../lib/datasets/dataset.ts'
import { keyedQuery } from '../../lib/engine/keyed/keyed-query.ts'
import {
  aggregate,
  column,
  count,
  countDistinct,
  csv,
  files,
  first,
  last,
  listOf,
  max,
  min,
  parquet,
  task,
  textOf,
} from '../../lib/index.ts'
import { memoryStore } from '../../lib/store/memory-store.ts'
import { openStagedRun } from './staged-run.ts'

/** Values of a type, made of the number `v`, which is NULL in some rows. */
const ordered: Readonly<Record<string, string>> = {
  boolean: 'v % 2 = 0',
  int8: 'CAST(v AS TINYINT)',
  int64: 'CAST(v AS BIGINT) * 4611686018427387',
  uint8: 'CAST(v + 100 AS UTINYINT)',
  uint64: 'CAST(v + 100 AS UBIGINT) * 92233720368547758',
  float:
    "CASE WHEN v = 9 THEN CAST('nan' AS FLOAT) WHEN v < -8 THEN CAST('-inf' AS FLOAT) ELSE CAST(v / 3 AS FLOAT) END",
  double:
    "CASE WHEN v = 8 THEN CAST('nan' AS DOUBLE) WHEN v = 0 THEN CAST('-0.0' AS DOUBLE) ELSE CAST(v / 7 AS DOUBLE) END",
  negative: "CASE WHEN v >= 0 THEN CAST('-0.0' AS DOUBLE) ELSE CAST(v AS DOUBLE) END",
  decimal: 'CAST(v / 4 AS DECIMAL(9, 2))',
  wide: 'CAST(v AS DECIMAL(38, 0)) * 1000000000000000000000',
  date: "DATE '1969-12-30' + v",
  time: "TIME '12:00:00' + to_seconds(v)",
  nano_time:
    "CAST('10:00:00' || CASE WHEN v % 3 = 0 THEN '' ELSE '.' || lpad(CAST(v + 100 AS VARCHAR), 9, '0') END AS TIME_NS)",
  offset_time: "CAST('0' || (v + 100) % 10 || ':30:00+0' || (v + 100) % 3 AS TIMETZ)",
  timestamp: "TIMESTAMP '1969-12-31 23:59:59' + to_seconds(v)",
  seconds: "CAST(TIMESTAMP '1969-12-31 23:59:59' + to_seconds(v) AS TIMESTAMP_S)",
  millis: "CAST(TIMESTAMP '1969-12-31 23:59:59' + to_milliseconds(v) AS TIMESTAMP_MS)",
  nanos: 'make_timestamp_ns(v)',
  instant: "TIMESTAMPTZ '2020-03-29 00:59:59+00' + to_seconds(v)",
  uuid: 'CAST(md5(CAST(v AS VARCHAR)) AS UUID)',
  blob: 'unhex(md5(CAST(v AS VARCHAR)))',
  text: "CASE WHEN v % 5 = 0 THEN '' ELSE chr(1000 + v) || v END",
  json: "CAST('{\"a\":' || v || '}' AS JSON)",
  enumeration: "CAST(['z', 'it''s, (b)', 'a[1]', 'BIT'][(v + 100) % 4 + 1] AS ENUM('z', 'it''s, (b)', 'a[1]', 'BIT'))",
  list: 'CASE WHEN v % 4 = 0 THEN [] ELSE [v % 3, NULL, v] END',
  fixed_list: 'CAST([v % 3, v] AS INTEGER[2])',
  struct:
    "{'a b': v % 3, 'BIT': NULLIF(v % 5, 1), c: [{d: CAST(['z', 'a'][(v + 100) % 2 + 1] AS ENUM('z', 'a'))}], e: v}",
  map: "MAP {'a': v % 3, 'b': v}",
  second_map: "MAP {'a': CAST(TIMESTAMP '2020-01-01' + to_seconds(v) AS TIMESTAMP_S)}",
  nothing: 'NULL',
}

/** Types that are exchanged as others: a query over all rows compares these values. */
const exchangedAs: Readonly<Record<string, string>> = {
  offset_time: 'timezone(INTERVAL 0 HOUR, offset_time)',
  enumeration: 'CAST(enumeration AS VARCHAR)',
  json: 'CAST(json AS VARCHAR)',
  struct: 'CAST(struct AS STRUCT("a b" INTEGER, "BIT" INTEGER, c STRUCT(d VARCHAR)[], e INTEGER))',
}

const names = Object.keys(ordered)
const columnsSql = Object.entries(ordered).map(([name, value]) => `${value} AS ${name}`)
const numberSql = 'SELECT g, i, CASE WHEN i % 17 <> 3 THEN i * 7 % 41 - 20 END AS v FROM input'
const typesOf = (from: string): string => `SELECT g, i, ${columnsSql.join(', ')} FROM ${from}`
const rowsSql = typesOf(`(${numberSql})`)

const measures = Object.fromEntries(
  names.flatMap(name => [
    [`${name}_min`, min(name)],
    [`${name}_max`, max(name)],
    [`${name}_first`, first('i', { orderBy: [name, 'i'] })],
    [`${name}_last`, last('i', { orderBy: [name] })],
    [`${name}_value`, last(name, { orderBy: ['i'] })],
    [`${name}_list`, listOf(name, { orderBy: [name], limit: 3 })],
    [`${name}_text`, textOf(name, { orderBy: [name], limit: 2, separator: '; ' })],
  ]),
)

const expectedOf = (name: string): string[] => {
  const sorted = `list(${name} ORDER BY ${name}) FILTER (WHERE ${name} IS NOT NULL)`
  return [
    `min(${name}) AS ${name}_min`,
    `max(${name}) AS ${name}_max`,
    `first(i ORDER BY ${name} NULLS LAST, i) AS ${name}_first`,
    `first(i ORDER BY ${name} DESC NULLS LAST, i DESC) AS ${name}_last`,
    `first(${name} ORDER BY i DESC) AS ${name}_value`,
    `(${sorted})[1:3] AS ${name}_list`,
    `array_to_string(list_transform((${sorted})[1:2], lambda x: CAST(x AS VARCHAR)), '; ') AS ${name}_text`,
  ]
}

/** Returns a text as a template, as the tag of a step takes it. */
const template = (text: string) => Object.assign([text], { raw: [text] })

const rows = task({
  name: 'types',
  source: files({ paths: '*.csv', format: csv() }),
  columns: { g: column.int32(), i: column.int32() },
  output: parquet({ path: 'types' }),
})
  .sql(template(numberSql))
  .sql(template(typesOf('input')))

/** Returns columns as texts, with one text for the two zeros, which are equal and of which any may be kept. */
const asTexts = (columns: readonly string[]): string =>
  columns.map(name => `regexp_replace(CAST(${name} AS VARCHAR), '-0[.]0\\b', '0.0', 'g') AS ${name}`).join(', ')

/** Cuts of the input: one slice that has all rows, and a slice for each file, whose rows are exchanged between several batches. */
const cuttings = [100_000, 300]

const input = memoryStore()
let connection: DuckDBConnection
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(
    'CREATE TABLE input AS SELECT CAST(i % 3 AS INTEGER) AS g, CAST(i AS INTEGER) AS i FROM range(240) t(i)',
  )
  for (const file of [0, 1, 2, 3]) {
    const lines = Array.from({ length: 60 }, (_, row) => row * 4 + file).map(i => `${i % 3},${i}\n`)
    await input.write(`${file}.csv`, Buffer.from(`g,i\n${lines.join('')}`))
  }
})
afterAll(() => connection.closeSync())

/** Returns the rows of a task by their key. */
async function rowsOf(of: Parameters<typeof openStagedRun>[0], groupBytes: number, from = input) {
  const output = memoryStore()
  const run = await openStagedRun(of, { input: from, output, groupBytes })
  await run.run().finally(() => run.close())
  const all = await Array.fromAsync((await datasetAt({ store: output, outputPath: 'types' })).rows())
  return all.toSorted((a, b) => Number(a.g) - Number(b.g))
}

it('measures over columns of each type equal one query over all rows, however rows are cut', async () => {
  const exchanged = Object.entries(exchangedAs).map(([name, value]) => `${value} AS ${name}`)
  const values = `SELECT * REPLACE (${exchanged.join(', ')}) FROM (${rowsSql})`
  const query = `SELECT g, ${names.flatMap(expectedOf).join(', ')} FROM (${values}) GROUP BY g`
  const texts = asTexts(Object.keys(measures))
  const found = await connection.runAndReadAll(`SELECT g, ${texts} FROM (${query}) ORDER BY g`)
  const expected = found.getRowObjectsJS()
  expect(new Set(Object.keys(measures).map(name => expected[0]?.[name])).size).toBeGreaterThan(100)
  const reduced = rows.reduce({ by: ['g'], measures }).sql(template(`SELECT g, ${texts} FROM input`))
  for (const groupBytes of cuttings) expect(await rowsOf(reduced, groupBytes)).toEqual(expected)
}, 120_000)

it('distinct keeps the row with the latest value of types that are exchanged as others, however rows are cut', async () => {
  const [value, text] = [
    "{'a': enumeration, 'b': seconds, 'c': fixed_list}",
    "{'a': CAST(enumeration AS VARCHAR), 'b': seconds, 'c': fixed_list}",
  ]
  const found = await connection.runAndReadAll(
    `SELECT g, first(i ORDER BY ${text} DESC NULLS LAST, i DESC) AS i FROM (${rowsSql}) GROUP BY g ORDER BY g`,
  )
  const latest = rows
    .sql(template(`SELECT g, i, ${value} AS latest, CAST(i AS BIGNUM) AS big, to_seconds(i) AS seconds FROM input`))
    .distinct({ by: ['g'], latest: 'latest' }).sql`SELECT g, i FROM input`
  for (const groupBytes of cuttings) expect(await rowsOf(latest, groupBytes)).toEqual(found.getRowObjectsJS())
}, 60_000)

describe('own aggregates', () => {
  /** Types that are exchanged as others. The order of their values, as the user's SQL compares them, would be another in the next stage. */
  const castTo = {
    nano_time: 'VARCHAR',
    offset_time: 'TIME',
    seconds: 'TIMESTAMP',
    millis: 'TIMESTAMP',
    enumeration: 'VARCHAR',
    struct: 'STRUCT("a b" INTEGER, "BIT" INTEGER, "c" STRUCT("d" VARCHAR)[], "e" INTEGER)',
    second_map: 'MAP(VARCHAR, TIMESTAMP)',
  }
  const ends = (name: string) =>
    aggregate({
      columns: [name],
      partial: { least: `min(${name})`, most: `max(${name})`, n: `count(${name})` },
      combine: { least: 'min({least})', most: 'max({most})', n: 'cast(sum({n}) AS BIGINT)' },
      finish: 'struct_pack(least := {least}, most := {most}, n := {n})',
    })
  const reduced = (measures: Parameters<typeof rows.reduce>[0]['measures']) => rows.reduce({ by: ['g'], measures })

  it('over columns of each type equal one query over all rows, in 1, 2 and 7 slices', async () => {
    const kept = names.filter(name => !Object.hasOwn(castTo, name))
    const values = kept.map(
      name => `struct_pack(least := min(${name}), most := max(${name}), n := count(${name})) AS ${name}`,
    )
    const texts = asTexts(kept)
    const query = `SELECT g, ${values.join(', ')} FROM (${rowsSql}) GROUP BY g`
    const expected = await connection.runAndReadAll(`SELECT g, ${texts} FROM (${query}) ORDER BY g`)
    const measures = Object.fromEntries(kept.map(name => [name, ends(name)]))
    const task = reduced(measures).sql(template(`SELECT g, ${texts} FROM input`))
    for (const slices of [1, 2, 7]) {
      const cut = memoryStore()
      for (let file = 0; file < slices; file++) {
        const own = Array.from({ length: 240 }, (_, i) => i).filter(i => i % slices === file)
        await cut.write(`${file}.csv`, Buffer.from(`g,i\n${own.map(i => `${i % 3},${i}\n`).join('')}`))
      }
      expect(await rowsOf(task, 100, cut), `${slices} slices`).toEqual(expected.getRowObjectsJS())
    }
  }, 120_000)

  it.each(Object.entries(castTo))(
    'are refused over columns of a type that is exchanged as another: %s',
    async (name, type) => {
      await expect(rowsOf(reduced({ own: ends(name) }), 100_000)).rejects.toMatchObject({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining(`; cast it to ${type}`),
        detail: { where: `reduce: measures.own: columns: ${name}` },
      })
    },
  )

  it.each([
    [
      'max(CAST(i AS BIGNUM))',
      'max({s})',
      'partial.s: expected a type that is the same in all stages, got BIGNUM; cast it to DECIMAL(38, 0)',
    ],
    [
      "max(CAST('a' AS ENUM('b', 'a')))",
      'max({s})',
      "partial.s: expected a type that is the same in all stages, got ENUM('b', 'a'); cast it to VARCHAR",
    ],
    [
      'count(i)',
      'sum({s})',
      'combine.s: expected the type of the state, BIGINT, as states are joined any number of times, got HUGEINT; cast it to BIGINT',
    ],
    [
      'max(i)',
      'avg({s})',
      'combine.s: expected the type of the state, INTEGER, as states are joined any number of times, got DOUBLE',
    ],
  ])('are refused where a state would change on its way: %s, then %s', async (s, joined, message) => {
    const own = aggregate({ columns: ['i'], partial: { s }, combine: { s: joined }, finish: '{s}' })
    await expect(rowsOf(reduced({ own }), 100_000)).rejects.toThrow(`reduce: measures.own: ${message}`)
  })
})

const refused = [
  ['BIGNUM', 'CAST(i AS BIGNUM)', 'cast it to DECIMAL(38, 0)'],
  ['HUGEINT', 'CAST(i AS HUGEINT)', 'cast it to DECIMAL(38, 0)'],
  ['UHUGEINT', 'CAST(i AS UHUGEINT)', 'cast it to DECIMAL(38, 0)'],
  ['BIT', 'CAST(i AS BIT)', 'cast it to VARCHAR'],
  ['INTERVAL', 'to_seconds(i)', 'make a number of it with epoch()'],
  ['UNION("a" INTEGER)', 'union_value(a := i)', 'cast it to VARCHAR'],
  ['VARIANT', 'CAST(i AS VARIANT)', 'cast it to VARCHAR'],
  ['GEOMETRY', "CAST('POINT (1 1)' AS GEOMETRY)", 'cast it to VARCHAR'],
  ['BIGNUM[]', '[CAST(i AS BIGNUM)]', 'cast it to DECIMAL(38, 0)'],
  ['STRUCT("a" TIME WITH TIME ZONE[])', "{'a': [CAST('10:00:00+01' AS TIMETZ)]}", 'cast it to TIME'],
  ['MAP(VARCHAR, INTERVAL)', "MAP {'a': to_seconds(i)}", 'make a number of it with epoch()'],
] as const

describe('types whose order would depend on how rows are cut', () => {
  it.each(refused)('are refused by measures and by distinct, with what to do: %s', async (type, value, advice) => {
    const result = await connection.run(`SELECT g, i, ${value} AS x FROM input LIMIT 0`)
    const given = result.columnNames().map((name, at) => ({ name, type: result.columnType(at) }))
    const ordering = [
      [min('x'), "min('x')"],
      [max('x'), "max('x')"],
      [first('x', { orderBy: ['i'] }), "first('x')"],
      [last('i', { orderBy: ['x'] }), "last('i'): orderBy"],
      [listOf('x', { orderBy: ['i'], limit: 1 }), "listOf('x')"],
      [textOf('i', { orderBy: ['x'], limit: 1 }), "textOf('i'): orderBy"],
    ] as const
    const problem = `expected a column with one order in all stages, got x of type ${type}; ${advice} in a step before`
    const reason = (step: Parameters<typeof keyedQuery>[0]) => {
      try {
        return keyedQuery(step, given, 'FROM input')
      } catch (error) {
        return error
      }
    }
    for (const [measure, where] of ordering)
      expect(reason({ kind: 'aggregate', phase: 'partial', by: ['g'], measures: { m: measure } })).toMatchObject({
        code: 'DEFINITION_INVALID',
        message: `reduce: measures.m: ${where}: ${problem}`,
      })
    expect(reason({ kind: 'latest', by: ['g'], latest: 'x' })).toMatchObject({
      code: 'DEFINITION_INVALID',
      message: `distinct: latest: ${problem}`,
    })
    const own = aggregate({
      columns: ['x'],
      partial: { n: 'count(x)' },
      combine: { n: 'any_value({n})' },
      finish: '{n}',
    })
    expect(reason({ kind: 'pick', by: ['g'], measures: { own } })).toMatchObject({
      message: `reduce: measures.own: columns: x: expected a type that is the same in all stages, got ${type}; ${advice}`,
    })
    const counts = { n: count('x'), d: countDistinct('x', { approximate: true }) }
    expect(reason({ kind: 'aggregate', phase: 'partial', by: ['g'], measures: counts })).toContain('count("x")')
  })

  it.each([
    ['alone', {}],
    ['beside a measure that needs all rows', { numbers: countDistinct('i') }],
  ])('are refused by a run, %s', async (_, others) => {
    const bigs = rows.sql`SELECT g, i, CAST(i AS BIGNUM) AS b FROM input`
    const reduced = bigs.reduce({ by: ['g'], measures: { most: max('b'), ...others } })
    await expect(rowsOf(reduced, 100_000)).rejects.toMatchObject({
      code: 'DEFINITION_INVALID',
      message: expect.stringContaining("measures.most: max('b'): expected a column with one order"),
    })
  })
})
