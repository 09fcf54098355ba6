/** Nested records in typed `struct` columns: from JSON, from CSV, through functions, and into Parquet. */
import { expect, it } from 'vitest'
import { column, csv, files, json, jsonLines, parquet, task } from '../../lib/define/index.ts'
import { runTask } from '../../lib/testing.ts'
import { convertTask, taskOf } from './converting.ts'

const user = column.struct({
  id: column.int64({ required: true }),
  name: column.string({ from: ['name', 'full name'] }),
  born: column.date({ format: '%d.%m.%Y' }),
  home: column.struct({ city: column.string({ trim: true }), at: column.decimal(6, 3, { decimalSeparator: ',' }) }),
  raw: column.json(),
})
const columns = {
  n: column.int32(),
  user,
  tags: column.list(column.struct({ key: column.string(), value: column.int32() })),
}

const good = [
  '{"n":1,"user":{"id":9007199254740993,"full name":"A","born":"31.12.2001","home":{"city":" x ","at":"1,5"},"raw":{"z":[1]},"more":1},"tags":[{"key":"a","value":1},{"key":null},null]}',
  '{"n":2,"user":null,"tags":[]}',
  '{"n":3,"user":{"id":1,"home":null}}',
]
const bad: readonly (readonly [line: string, column: string, expected: string])[] = [
  ['{"n":4,"user":{"id":"x"}}', 'user.id', 'required int64'],
  ['{"n":4,"user":{}}', 'user.id', 'required int64'],
  ['{"n":4,"user":{"id":1,"born":"2001-12-31"}}', 'user.born', 'date as %d.%m.%Y'],
  ['{"n":4,"user":{"id":1,"home":{"at":"1.5"}}}', 'user.home.at', 'decimal(6, 3) as 1234,5'],
  ['{"n":4,"user":{"id":1,"home":[1]}}', 'user.home', 'struct(city string, at decimal(6, 3))'],
  ['{"n":4,"user":"text"}', 'user', 'struct('],
  ['{"n":4,"user":{"id":1,"name":"a","full name":"b"}}', 'user', 'struct('],
  ['{"n":4,"tags":[{"value":1.5}]}', 'tags', 'list of struct(key string, value int32)'],
  ['{"n":4,"tags":[7]}', 'tags', 'list of struct(key string, value int32)'],
]

it('reads nested records of JSON lines, and rejects what does not fit with the path of the field', async () => {
  const source = files({ paths: '*', format: jsonLines() })
  const lines = [...good, ...bad.map(([line]) => line)]
  const { rows, rejects, schema } = await convertTask(taskOf({ source, columns, rejects: { max: 99 } }), {
    inputs: { 'x.jsonl': `${lines.join('\n')}\n` },
  })
  expect(rows).toEqual([
    {
      n: '1',
      user: `{'id': 9007199254740993, 'name': A, 'born': 2001-12-31, 'home': {'city': x, 'at': 1.500}, 'raw': '{"z":[1]}'}`,
      tags: "[{'key': a, 'value': 1}, {'key': NULL, 'value': NULL}, NULL]",
    },
    { n: '2', user: null, tags: '[]' },
    { n: '3', user: "{'id': 1, 'name': NULL, 'born': NULL, 'home': NULL, 'raw': NULL}", tags: null },
  ])
  expect(schema.find(({ name }) => name === 'tags')?.type).toBe('STRUCT("key" VARCHAR, "value" INTEGER)[]')
  expect(rejects.map(({ line, column: name }) => `${line} ${name}`)).toEqual(
    bad.map(([, name], index) => `${index + good.length + 1} ${name}`),
  )
  for (const [index, [, , expected]] of bad.entries()) expect(rejects[index]?.expected).toContain(expected)
})

it('gives objects to functions, takes them back, and writes the rows of unit tests', async () => {
  const tested = task({
    name: 't',
    source: files({ paths: '*', format: json() }),
    columns: { user: column.struct({ id: column.int64(), at: column.timestamp() }) },
    output: parquet({ path: 't' }),
  }).mapRows(
    row => ({ next: { id: (row.user?.id ?? 0n) + 1n, day: row.user?.at?.toISOString().slice(0, 10) ?? null } }),
    {
      adds: { next: column.struct({ id: column.int64(), day: column.date() }) },
    },
  )
  const at = new Date('2024-01-31T10:00:00Z')
  const { rows } = await runTask(tested, { rows: [{ user: { id: 1n, at } }, { user: null }] })
  expect(rows).toEqual([
    { user: { id: 1n, at }, next: { id: 2n, day: '2024-01-31' } },
    { user: null, next: { id: 1n, day: null } },
  ])
  const wrong = tested.mapRows(() => ({ next: { id: 1n, other: 2 } as never }))
  await expect(runTask(wrong, { rows: [{ user: null }] })).rejects.toMatchObject({
    code: 'TRANSFORM_FAILED',
    message: expect.stringContaining('expected an object of id, day, got one with other'),
  })
})

it('reads JSON in a field of CSV, and is lenient on request', async () => {
  const given = { columns: { s: column.struct({ a: column.int32() }) }, rejects: { max: 9 } }
  const text = 's,k\n"{""a"":1,}",1\n"{""a"":2}",2\nx,3\n,4\n"{""a"":1.5}",5\n'
  const read = (strict: boolean) =>
    convertTask(taskOf({ ...given, strict, source: files({ paths: '*', format: csv() }) }), {
      inputs: { 'x.csv': text },
    })
  const strict = await read(true)
  expect(strict.rows).toEqual([{ s: "{'a': 2}" }, { s: null }])
  expect(strict.rejects.map(({ line, column: name }) => `${line} ${name}`)).toEqual(['2 s', '4 s', '6 s.a'])
  const lenient = await read(false)
  expect(lenient.rows).toEqual([{ s: "{'a': 1}" }, { s: "{'a': 2}" }, { s: null }, { s: "{'a': 2}" }])
})

it.each<[string, () => unknown, string]>([
  ['no fields', () => column.struct({}), 'column.struct: fields: expected at least one column'],
  [
    'a field that is no column',
    () => column.struct({ a: 'int' as never }),
    'column.struct: fields: a: expected a column such as',
  ],
  [
    'a name of two fields',
    () => column.struct({ a: column.json(), b: column.json({ from: 'a' }) }),
    'expected a name that no other column has, got a, as a has',
  ],
])('refuses %s at definition', (_, build, message) => {
  expect(build).toThrow(
    expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(message) }),
  )
})
