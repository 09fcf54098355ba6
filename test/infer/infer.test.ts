/** Inferring columns from samples of data. */
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { flightsParquet } from '../../examples/flights/prepare.ts'
import { csv, files, parquet, task } from '../../lib/define/index.ts'
import * as fanmill from '../../lib/index.ts'
import { createProposalCheck } from '../../lib/infer/check-proposal.ts'
import type { InferProgress } from '../../lib/infer/text.ts'
import { runTask } from '../../lib/testing.ts'
import { folderOf } from '../cli/fanmill.ts'
import { parquetOf } from '../engine/converting.ts'
import { tripsProject } from '../local/trips.ts'
import { buildZip } from '../zip-builder.ts'
import { runProposal } from './proposals.ts'

async function sourceOf(
  name: string,
  content: string | Uint8Array,
  options?: Parameters<typeof fanmill.infer>[1],
): Promise<string> {
  return (await fanmill.infer(join(folderOf({ [name]: content }), name), options)).source
}

/** The note for files with different columns, because a run would refuse those that lack some. */
const missing = "onMissingColumn: 'null', // some files lack some of these columns"

describe('a CSV', () => {
  it.each([
    ['whole numbers', ['1', '-2', ''], 'column.int64()'],
    ['numbers', ['1', '2.5', '1e3'], 'column.float64()'],
    ['truth values', ['true', 'FALSE'], 'column.boolean()'],
    ['dates', ['2001-01-02'], 'column.date()'],
    ['times', ['10:11:12', '09:00'], 'column.time()'],
    ['timestamps', ['2001-01-02 03:04:05', '2001-01-02T03:04'], 'column.timestamp()'],
    ['timestamps with an offset', ['2001-01-02T03:04:05Z', '2001-01-02 03:04:05+02'], 'column.timestamptz()'],
    ['dates of another format', ['25/12/2001', '1/2/2001'], "column.date({ format: '%d/%m/%Y' })"],
    ['dates of two formats', ['1/2/2001'], "column.date({ format: '%d/%m/%Y' }), // or %m/%d/%Y: the sample fits both"],
    ['timestamps of another format', ['12/25/2001 10:11 PM'], "column.timestamp({ format: '%m/%d/%Y %I:%M %p' })"],
    ['identifiers with leading zeros', ['01234', '90210'], 'column.string()'],
    ['identifiers too long for a number', ['12345678901234567890', '1'], 'column.string()'],
    ['texts', ['1', 'two'], 'column.string()'],
    ['nothing', ['', ''], 'column.string()'],
    [
      'dates, but for a day that does not exist',
      ['2001-01-05', '2001-02-01', '2001-02-30', '2001-03-01', 'NA'],
      'column.string(), // 3 of 4 different values are date; "2001-02-30" is not',
    ],
    [
      'numbers with a point before three digits',
      ['1.234', '12.500'],
      "column.float64(), // or decimalSeparator ',' and thousandsSeparator '.': the sample fits both",
    ],
  ])('of %s is typed so that every text fits, read strictly', async (_, texts, expected) => {
    const source = await sourceOf('x.csv', `other,value\n${texts.map(text => `x,${text}\n`).join('')}`)
    expect(source).toContain(`  value: ${expected}`)
  })

  it('gets its dialect, with only the options that are not defaults', async () => {
    expect(await sourceOf('x.csv', 'a;b\n1;"x;y"\n2;z\n')).toMatch(
      /^format: csv\(\{ delimiter: ';' \}\),\ncolumns: \{\n {2}a: column.int64\(\),/,
    )
    expect(await sourceOf('x.csv', '1,x\n2,y\n')).toMatch(
      /header: false[\s\S]*column_1: column.int64\(\),\n {2}column_2: column.string\(\)/,
    )
    expect(await sourceOf('x.csv', 'a,b\n1,x\n')).toBe('columns: {\n  a: column.int64(),\n  b: column.string(),\n},')
  })

  it('gets its comment character, and no row is mistaken for a comment', async () => {
    expect(await sourceOf('x.csv', 'a,b\n1,x\n# of today\n2,y\n')).toMatch(
      /comment: '#'[\s\S]*\n {2}a: column.int64\(\),\n {2}b: column.string\(\),/,
    )
    expect(await sourceOf('x.csv', 'a,b\n1,x\n#2,y\n3,z\n')).toBe(
      'columns: {\n  a: column.string(),\n  b: column.string(),\n},',
    )
  })

  it('gets the texts that stand for null', async () => {
    expect(await sourceOf('x.csv', 'a,b\n1,NA\nNA,x\n')).toBe(
      "columns: {\n  a: column.int64({ nullValues: ['NA'] }),\n  b: column.string(),\n},",
    )
  })

  it('gets a column of strings for each name when it has only a header', async () => {
    expect(await sourceOf('x.csv', 'a,b\n')).toBe('columns: {\n  a: column.string(),\n  b: column.string(),\n},')
  })

  it('gets quoted names where they are not identifiers', async () => {
    expect(await sourceOf('x.csv', "first name,it's\nx,y\n")).toContain(
      "  'first name': column.string(),\n  'it\\'s': column.string(),",
    )
  })

  it('is inflated', async () => {
    expect(await sourceOf('x.csv.gz', gzipSync('a\n1\n'))).toContain('a: column.int64()')
  })
})

it('reads the types of JSON lines from the values, and dates from their texts', async () => {
  const line = {
    id: 1,
    share: 0.5,
    isNew: true,
    name: 'x',
    at: '2001-01-02T03:04:05Z',
    tags: ['a'],
    more: { x: 1 },
    zip: '01234',
  }
  expect(
    await sourceOf('x.jsonl', `${JSON.stringify(line)}\n${JSON.stringify({ ...line, share: 2 })}\n`),
  ).toBe(`format: jsonLines(),
columns: {
  id: column.int64(),
  share: column.float64(),
  isNew: column.boolean(),
  name: column.string(),
  at: column.timestamptz(),
  tags: column.list(column.string()),
  more: column.json(),
  zip: column.string(),
},`)
})

it('joins names that differ only in case into one column, as a definition does, with a note', async () => {
  const lines = '{"n":1,"m_1":2}\n{"N":2.5}\n'
  const note = '// also written N, which is not read as this'
  expect(await sourceOf('x.jsonl', lines)).toContain(`\n  n: column.float64(), ${note}\n  m_1: column.int64(),\n}`)
})

describe('files whose headers drift', () => {
  const drift = {
    '01.csv': '\ufeffProvince/State,Last Update,Confirmed\nAlpha,1/22/2020 17:00,1\n',
    '02.csv': 'Province/State,Last Update,Confirmed,Latitude\nAlpha,2020-02-22T23:33:06,64,30.9\n',
    '03.csv': 'FIPS,Province_State,Last_Update,Lat,Confirmed\n36061,Beta,3/22/20 23:45,40.7,9654\n',
    '04.csv': 'FIPS,Province_State,Last_Update,Lat,Confirmed\n36062,Beta,3/23/20 23:45,40.7,9654\n',
  }
  const expected = `// 4 samples have 3 different headers: 03.csv and 1 more; 01.csv; 02.csv
// Lat and Latitude are in no file together: if they are one column, write from: ['Lat', 'Latitude']
columns: {
  Province_State: column.string({ from: ['Province_State', 'Province/State'] }),
  Last_Update: column.timestamp({ from: ['Last_Update', 'Last Update'], format: ['%m/%d/%y %H:%M', '%Y-%m-%dT%H:%M:%S', '%m/%d/%Y %H:%M'] }),
  Confirmed: column.int64(),
  Latitude: column.float64(),
  FIPS: column.int64(),
  Lat: column.float64(),
},
${missing}`

  it('get other names and several formats for one column, and a note about what may be one', async () => {
    const folder = folderOf(drift)
    const inferred = await fanmill.infer(Object.keys(drift).map(name => join(folder, name)))
    expect(inferred.source).toBe(expected)
    expect(inferred).toMatchObject({ rows: 4, rowsRejected: 0, available: 4 })
    const bytes = Buffer.from(drift['03.csv'])
    const { rows } = await runProposal(inferred.source, { name: '03.csv', bytes })
    expect(rows).toMatchObject([{ Province_State: 'Beta', Last_Update: '2020-03-22T23:45:00.000Z', Lat: 40.7 }])
  })

  it('keep names apart that one file has together', async () => {
    const archive = buildZip({ 'a.csv': 'n,m 1,m_1\n1,x,y\n', 'b.csv': 'N,m 1,m_1\n2.5,x,y\n' })
    expect(await sourceOf('x.zip', archive)).toBe(`// 2 samples have 2 different headers: a.csv; b.csv
columns: {\n  n: column.float64({ from: ['n', 'N'] }),\n  'm 1': column.string(),\n  m_1: column.string(),\n},`)
  })
})

describe('JSON documents', () => {
  const order = (id: number): string => `{"id":${id},"total":10,"lines":[{"sku":"a"},{"sku":"b"}]}`

  it('of one line each are records where something is beside their array', async () => {
    const zip = (files: Readonly<Record<string, string>>): string =>
      join(folderOf({ 'x.zip': buildZip(files) }), 'x.zip')
    const orders = zip({ '1.json': order(1), '2.json': `${order(2)}\n`, '3.json': '{"id":3,"total":0,"lines":[]}' })
    const { source, rows, notes, columns } = await fanmill.infer(orders)
    expect({ rows, names: Object.keys(columns) }).toEqual({ rows: 3, names: ['id', 'total', 'lines'] })
    expect(notes).toEqual([
      "unsure: each document is a record; json({ path: '$.lines[*]' }) reads the objects of $.lines[*], without $.id, $.total",
    ])
    expect(source).toContain('format: jsonLines(),')
    const pages = zip({ '1.json': '{"data":[{"a":1}]}', '2.json': '{"data":[{"a":2}]}' })
    expect(await fanmill.infer(pages)).toMatchObject({ rows: 2, notes: [] })
  })

  it('have a note that names what is beside their array', async () => {
    const wrapped = '{"meta":{"page":1,"more":{"x":1}},"data":{"count":2,"items":[{"sku":"a"},{"sku":"b"}]},"tags":[]}'
    for (const text of [wrapped, JSON.stringify(JSON.parse(wrapped), null, 2)]) {
      const { rows, notes, columns } = await fanmill.infer(join(folderOf({ 'x.json': text }), 'x.json'))
      expect({ rows, names: Object.keys(columns) }).toEqual({ rows: 2, names: ['sku'] })
      expect(notes).toEqual([
        'unsure: records are $.data.items[*], without $.meta, $.tags, $.data.count; json() reads each document as a record',
      ])
    }
  })
})

it('reads a file that begins with a tag and is no XML as CSV, unless it declares that it is XML', async () => {
  const { source, rows, notes } = await fanmill.infer(join(folderOf({ x: '<b>bold</b>;1\n<i>it</i>;2\n' }), 'x'))
  expect({ rows, notes }).toEqual({
    rows: 2,
    notes: [expect.stringMatching(/^begins with a tag, but is not XML: x: .*line \d/)],
  })
  expect(source).toContain("delimiter: ';'")
  for (const [name, text] of [
    ['x.xml', '<b>bold</b>;1'],
    ['x', '<?xml version="1.0"?><b>bold</b>;1'],
  ] as const)
    await expect(fanmill.infer(join(folderOf({ [name]: text }), name))).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  expect(await fanmill.infer(join(folderOf({ x: '<o><r a="1"/><r a="2"/></o>' }), 'x'))).toMatchObject({ rows: 2 })
})

it('reads texts in the encoding that is given', async () => {
  const bytes = Buffer.concat([Buffer.from('a,é\n1,x\n', 'latin1')])
  expect(await sourceOf('x.csv', bytes, { encoding: 'windows-1252' })).toBe(
    "format: csv({ encoding: 'windows-1252' }),\ncolumns: {\n  a: column.int64(),\n  'é': column.string(),\n},",
  )
})

it('notes columns whose nanoseconds a timestamp cannot hold', async () => {
  const content = await parquetOf("select timestamp_ns '2001-02-03 04:05:06.123456789' as t")
  const bytes = await parquetOf("select 'x'::blob as b, ['x'::blob] as l")
  expect(await sourceOf('b.parquet', bytes)).toContain('b: column.binary(),\n  l: column.list(column.binary()),')
  expect(await sourceOf('x.parquet', content)).toContain(
    't: column.timestamp(), // the nanoseconds below a microsecond make rejects',
  )
})

it.each([
  ['an empty file', 'x.csv', '', 'NO_INPUT', 'expected text with columns, got none in x.csv'],
  ['no JSON', 'x.jsonl', 'nonsense\n', 'NO_INPUT', 'expected text with columns, got none in x.jsonl'],
  ['a log', 'x.log', '2001 INFO a\n2001 WARN b c\n', 'INPUT_INVALID', 'write lines({ pattern }) for a log'],
])('fails where it finds no columns: %s', async (_name, file, content, code, message) => {
  await expect(sourceOf(file, content)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
})

it('knows Parquet and Avro without their names', async () => {
  const avro = readFileSync(new URL('../fixtures/avro/values-null.avro', import.meta.url))
  expect(await sourceOf('x.dat', avro)).toMatch(/^format: avro\(\),/)
  expect(await sourceOf('x', await parquetOf('select 1::bigint as id'))).toMatch(/^format: parquetFiles\(\),/)
})

it('proposes columns for a task that declares UTF-16', async () => {
  const format = csv({ encoding: 'utf-16', delimiter: ';' })
  const reading = task({ name: 't', source: files({ paths: '*', format }), output: parquet({ path: 't' }) })
  const bytes = Buffer.from('\ufeffid;é\n1;x\n', 'utf16le')
  await expect(runTask(reading, { files: { 'a.csv': bytes } })).rejects.toMatchObject({
    code: 'COLUMNS_MISSING',
    detail: { source: expect.stringContaining("encoding: 'utf-16' }),\ncolumns: {\n  id: column.int64(),") },
  })
})

it('proposes the types that a Parquet file has', async () => {
  const { source } = await fanmill.infer(flightsParquet)
  expect(source).toMatch(
    /^format: parquetFiles\(\),\ncolumns: \{\n {2}date: column.timestamp\(\),\n {2}delay: column.int\d+\(\)/,
  )
})

describe('an archive', () => {
  const members = {
    'readme.txt': 'hello, world',
    'a.csv': 'id,v\n1,1\n',
    'b.csv': 'v,id,extra\n1.5,2,x\n',
    'empty.csv': '',
  }

  it('is sampled over all members, also when the order of their columns differs', async () => {
    const file = join(folderOf({ 'x.zip': buildZip(members) }), 'x.zip')
    const { source, sampled, rows } = await fanmill.infer(file)
    expect(source).toBe(
      `// 2 samples have 2 different headers: a.csv; b.csv\ncolumns: {\n  id: column.int64(),\n  v: column.float64(),\n  extra: column.string(),\n},\n${missing}`,
    )
    expect({ sampled, rows }).toEqual({ sampled: ['a.csv', 'b.csv'], rows: 2 })
  })

  it('fails with NO_INPUT and the nearest names when the glob matches nothing', async () => {
    const given = { members: 'a.cvs' }
    await expect(sourceOf('x.zip', buildZip(members), given)).rejects.toMatchObject({
      code: 'NO_INPUT',
      message: expect.stringContaining('a.csv'),
    })
  })
})

describe('a path that cannot be read', () => {
  const folder = folderOf({
    'data/a.csv': 'id\n1\n',
    'data/secret.csv': 'id\n1\n',
    'empty/.keep': '',
    'empty/a.csv': '',
  })

  it.each([
    ['absent.csv', 'NO_INPUT', 'expected an archive or a file, got nothing at'],
    ['empty', 'NO_INPUT', 'expected a folder with files that are not empty, got'],
    ['data/a.csv/b.csv', 'NO_INPUT', 'got a path that leads through a file, not through folders'],
    [`${'x'.repeat(300)}.csv`, 'NO_INPUT', 'got a name that is too long for a file system'],
  ])('%s fails with a plain sentence', async (path, code, message) => {
    const failing = fanmill.infer(join(folder, path))
    await expect(failing).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    await expect(failing).rejects.not.toMatchObject({ message: expect.stringMatching(/\bE[A-Z]{4,}/) })
  })

  it.skipIf(process.getuid?.() === 0)('fails with advice when the user may not read the file', async () => {
    chmodSync(join(folder, 'data/secret.csv'), 0o000)
    await expect(fanmill.infer(join(folder, 'data/secret.csv'))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('this user may not read'),
    })
  })
})

it('proposes binary columns for geometries of Parquet, and names the columns that it must leave out', async () => {
  const point = "'POINT(1 2)'::GEOMETRY as geom"
  expect(await sourceOf('x.parquet', await parquetOf(`select 1::bigint as id, ${point}`))).toBe(
    'format: parquetFiles(),\ncolumns: {\n  id: column.int64(),\n  geom: column.binary(),\n},',
  )
  const variant = await parquetOf('select 1::bigint as id, 1::variant as v')
  expect(await sourceOf('v.parquet', variant)).toContain('// v is left out: no column holds the type VARIANT')
  await expect(sourceOf('w.parquet', await parquetOf('select 1::variant as v'))).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('got only v of the type VARIANT'),
  })
})

it('reads wide files within bounded time and memory, and reports the columns as it checks them', async () => {
  const names = Array.from({ length: 1200 }, (_, index) => `c${index}`)
  const rows = Array.from({ length: 5 }, (_, row) => names.map((_, index) => row * index).join(','))
  const bad = names.slice(1).join(',')
  const text = `${names.join(',')}\n${rows.join('\n')}\n${bad}\n`
  const seen: InferProgress[] = []
  const path = join(folderOf({ 'w.csv': text }), 'w.csv')
  const inferred = await fanmill.infer(path, { onProgress: progress => seen.push(progress) })
  expect(new Set(Object.values(inferred.columns).map(({ type }) => type))).toEqual(new Set(['int64']))
  expect(inferred).toMatchObject({ rows: 5, rowsRejected: 1 })
  expect(seen.map(({ phase, done }) => `${phase} ${done}`)).toEqual([
    'read 0',
    'find 0',
    'check 0',
    'check 400',
    'check 800',
    'check 1200',
  ])
})

it('fails a task without columns with the columns to paste', async () => {
  const project = tripsProject({ task: 'columns: undefined, output: parquet({ path: "{task}/{month}" })' })
  const expected = {
    code: 'COLUMNS_MISSING',
    detail: {
      source: expect.stringMatching(
        /^columns: \{\n {2}id: column.int64\(\),\n {2}city: column.string\(\),\n {2}day: column.date\(\),/,
      ),
    },
  }
  await expect(project.run()).rejects.toMatchObject(expected)
})

it('says what to do where a sample is too large for the engine, without flags that infer does not have', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `c${index}`)
  const row = `${names.map(() => '1'.repeat(400)).join(',')}\n`
  const bytes = Buffer.from(`${names.join(',')}\n${row.repeat(20)}`)
  const samples = [{ name: 'w.csv', bytes, isWhole: true }]
  const check = createProposalCheck(samples, { scratch: folderOf({}), engineBytes: 2 ** 20 })
  const columns = Object.fromEntries(names.map(name => [name, { type: 'string' } as const]))
  const checking = check({ format: csv(), columns, isColumnMissing: false })
  await expect(checking).rejects.toMatchObject({
    code: 'OUT_OF_MEMORY',
    message:
      'expected a sample of 300 columns that can be read within the memory of one engine, got a larger one; write a few of the columns by hand: a task reads the columns that it declares',
  })
})
