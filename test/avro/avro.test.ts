/** Avro files as inputs, written by fastavro: values, archives, rejects, damaged and cut files. `write-fixture.py` wrote the files. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { rewriteAvro } from '../../lib/avro/record-text.ts'
import type { FilesSource, ZipMembersSource } from '../../lib/define/definition.ts'
import { avro, column, csv, files, parquet, table, task, zipMembers } from '../../lib/define/index.ts'
import { infer } from '../../lib/index.ts'
import { runTask, type TestFiles } from '../../lib/testing.ts'
import { buildTar } from '../tar-builder.ts'
import { buildZip } from '../zip-builder.ts'

const pathOf = (name: string): string => fileURLToPath(new URL(`../fixtures/avro/${name}`, import.meta.url))
const codecs = ['null', 'deflate', 'snappy', 'zstandard', 'bzip2', 'xz'] as const
const bytesOf = (codec: (typeof codecs)[number]): Buffer => readFileSync(pathOf(`values-${codec}.avro`))
const values = JSON.parse(
  readFileSync(pathOf('values.json'), 'utf8')
    .replaceAll(/: (-?\d{16,})/g, ': "$1"')
    .replaceAll(/: (NaN|-Infinity|-0\.0)/g, ': "$1"'),
) as Record<string, unknown>[]

const columns = {
  id: column.int64(),
  small: column.int32(),
  isNew: column.boolean(),
  ratio: column.float32(),
  share: column.float64(),
  name: column.string(),
  price: column.decimal(20, 4),
  tax: column.decimal(9, 2),
  day: column.date(),
  at: column.timestamptz(),
  seen: column.timestamptz(),
  local: column.timestamp(),
  clock: column.time(),
  key: column.string(),
  kind: column.string(),
  raw: column.string(),
  tags: column.list(column.string()),
  counts: column.json(),
  customer: column.struct({ city: column.string(), kind: column.string(), limit: column.decimal(10, 1) }),
  either: column.string(),
}
/** Without Bloom filters, because −0 is written as 0 beside them. */
const output = parquet({ path: 't', bloomFilters: false })
const format = avro()

/** Reads timestamps in microseconds, because functions and tests have milliseconds. */
const reading = (source: FilesSource | ZipMembersSource, given: TestFiles) => {
  const rows = task({ name: 't', source, columns, output })
  const exact = rows.sql`select * replace (epoch_us("at") as "at", epoch_us(seen) as seen, epoch_us(local) as local) from input`
  return runTask(exact, { files: given })
}

function micros(text: unknown): bigint | null {
  if (typeof text !== 'string') return null
  const [, day, clock, fraction = ''] = /^(\S+) ([\d:]+)(?:\.(\d+))?/.exec(text) ?? []
  return BigInt(Date.parse(`${day}T${clock}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'))
}

const floats: Readonly<Record<string, number>> = { NaN: Number.NaN, '-Infinity': Number.NEGATIVE_INFINITY, '-0.0': -0 }
const expected = values.map(row => ({
  ...row,
  id: BigInt(row.id as string),
  ratio: Math.fround(floats[String(row.ratio)] ?? Number(row.ratio)),
  share: floats[String(row.share)] ?? row.share,
  at: micros(row.at),
  seen: micros(row.seen),
  local: micros(row.local),
  clock: String(row.clock).replace(/(\.\d*?)0+$/, '$1'),
  customer: { ...(row.customer as object), limit: Number((row.customer as { limit: string }).limit).toFixed(1) },
  counts: JSON.stringify(row.counts).replaceAll(/"(\d+)"/g, '$1'),
}))

const opened = files({ paths: '*', format })
const members = zipMembers({ paths: '*', format })
const cases: readonly (readonly [string, FilesSource | ZipMembersSource, TestFiles])[] = [
  ...codecs.map(codec => [`a file in ${codec}`, opened, { 'a.avro': bytesOf(codec) }] as const),
  ['a compressed file', opened, { 'a.avro.gz': gzipSync(bytesOf('null')) }],
  ['a member of a zip', members, { 'a.zip': buildZip({ 'x/a.avro': bytesOf('snappy') }) }],
  ['a member of a tar archive', members, { 'a.tar.gz': gzipSync(buildTar({ 'a.avro': bytesOf('deflate') })) }],
]

describe('an Avro file', () => {
  it.each(cases)('gives every value of every type, as %s', async (_, source, given) => {
    const { rows, rejects } = await reading(source, given)
    expect(rows).toEqual(expected)
    expect(rejects).toEqual([])
  })

  it('makes rejects of values that do not fit, with the number of their record', async () => {
    const narrow = task({
      name: 't',
      source: opened,
      columns: { id: column.int64(), small: column.int16(), name: column.string({ required: true }) },
      provenance: ['_line'],
      rejects: { max: '100%' },
      output,
    })
    const { rows, rejects } = await runTask(narrow, { files: { 'a.avro': bytesOf('null') } })
    const isGood = ({ small, name }: Record<string, unknown>): boolean =>
      Math.abs(Number(small)) < 32_768 && name !== null
    expect(rows.map(({ _line }) => _line)).toEqual(values.flatMap((row, at) => (isGood(row) ? [BigInt(at + 1)] : [])))
    const bad = values.flatMap((row, at) => (isGood(row) ? [] : [at + 1]))
    expect(rejects.map(({ record, line }) => [record, line])).toEqual(bad.map(at => [at, at]))
    expect(rejects[0]).toMatchObject({ archive: 'a.avro', column: 'name', received: 'null' })
    expect(rejects[0]?.text).toMatch(/^-1,-1000,false,-2.5,1e\+300,,-1.5000,/)
  })

  it('may be a table, with the types that the engine finds', async () => {
    const joined = task({
      name: 't',
      source: files({ paths: '*.csv', format: csv() }),
      columns: { id: column.string() },
      tables: { orders: table('orders.avro', avro()) },
      output,
    }).sql<{ id: string; price: number }>`select i.id, o.price from input i join orders o on o.key = i.id`
    const given = { 'a.csv': `id\n${values[3]?.key}\n`, 'orders.avro': bytesOf('snappy') }
    expect((await runTask(joined, { files: given })).rows).toEqual([{ id: values[3]?.key, price: 0.0001 }])
  })

  it('is inferred from its schema', async () => {
    const { source, rows, rowsRejected } = await infer(pathOf('values-snappy.avro'))
    expect({ rows, rowsRejected }).toEqual({ rows: values.length, rowsRejected: 0 })
    expect(source.split('\n')).toEqual([
      'format: avro(),',
      'columns: {',
      ...Object.entries({ ...columns, counts: column.json(), customer: column.json() }).map(([name, { type, items }]) =>
        expect.stringContaining(`  ${name}: column.${type}(${items ? `column.${items.type}()` : ''}`),
      ),
      '},',
    ])
  })

  it('is refused with the missing column, and with a binary one', async () => {
    const without = task({ name: 't', source: opened, columns: { nmae: column.string() }, output })
    await expect(runTask(without, { files: { 'a.avro': bytesOf('null') } })).rejects.toMatchObject({
      code: 'COLUMN_MISSING',
      message: expect.stringContaining('nmae'),
    })
    const build = () => task({ name: 't', source: opened, columns: { raw: column.binary() }, output })
    expect(build).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining('base64') }),
    )
  })
})

const textOf = async (bytes: Uint8Array): Promise<string> => {
  const source = (async function* () {
    for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096)
  })()
  return Buffer.concat(await Array.fromAsync(rewriteAvro(source, { gaps: [] }))).toString()
}

describe('values of Avro', () => {
  it('keep the sign of a negative zero, in lists too', async () => {
    const zero = (bytes: number): number[] => [...Array(bytes - 1).fill(0), 0x80]
    const schema = fields('"float"', '{"type":"array","items":"double"}')
    const bytes = containerOf('null', schema, [...zero(4), 2, ...zero(8), 0])
    const columns = { a: column.float32(), b: column.list(column.float64()) }
    const { rows } = await runTask(task({ name: 't', source: opened, columns, output }), { files: { 'a.avro': bytes } })
    expect(rows).toEqual([{ a: -0, b: [-0] }])
  })

  it('with carriage returns do not change the numbers of the records after them', async () => {
    const texts = ['a\r', '\r\n', '\n\r', 'b'].flatMap(text => [2 * text.length, ...Buffer.from(text)])
    const bytes = containerOf('null', record('"string"'), texts, 4)
    const numbered = task({ name: 't', source: opened, columns: { a: column.string() }, provenance: ['_line'], output })
    const { rows } = await runTask(numbered, { files: { 'a.avro': bytes } })
    expect(rows.map(row => [row.a, Number(row._line)])).toEqual([
      ['a\r', 1],
      ['\r\n', 2],
      ['\n\r', 3],
      ['b', 4],
    ])
  })

  it('with a logical type that is not valid are read without it', async () => {
    const bytes = containerOf(
      'null',
      record('{"type":"bytes","logicalType":"decimal","precision":4,"scale":9}'),
      [2, 1],
    )
    expect(await textOf(bytes)).toContain('AQ==')
  })
})

describe('a damaged file', () => {
  it('that is cut at any byte is refused, except between two blocks, where the format shows nothing', async () => {
    const bytes = bytesOf('deflate')
    const marker = bytes.subarray(-16)
    const whole = await textOf(bytes)
    const ends: number[] = []
    for (let at = bytes.indexOf(marker); at !== -1; at = bytes.indexOf(marker, at + 1)) ends.push(at + 16)
    expect(ends.length).toBeGreaterThan(3)
    for (let length = 0; length < bytes.length; length++) {
      const read = await textOf(bytes.subarray(0, length)).catch(error => error.code)
      if (ends.includes(length)) expect(whole.startsWith(read)).toBe(true)
      else expect([length, read]).toEqual([length, 'INPUT_INVALID'])
    }
  })

  it('in snappy with any byte of its blocks changed is refused', async () => {
    const bytes = bytesOf('snappy')
    const start = bytes.indexOf(bytes.subarray(-16)) + 16
    for (let at = start; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 0x21
      expect([at, await textOf(changed).catch(error => error.code)]).toEqual([at, 'INPUT_INVALID'])
    }
  })

  it.each<readonly [string, string, string, readonly number[]]>([
    ['has no records', 'null', '"long"', []],
    ['has another compression', 'lzo', '{"type":"record","name":"r","fields":[]}', []],
    ['has an unknown type', 'null', record('"other"'), []],
    ['has strings that are not UTF-8', 'null', record('"string"'), [2, 0xff]],
    ['has more records than bytes', 'null', '{"type":"record","name":"r","fields":[]}', []],
    ['has a symbol that no enum has', 'null', record('{"type":"enum","name":"e","symbols":["x"]}'), [4]],
    ['has a boolean that is neither the byte 0 nor 1', 'null', record('"boolean"'), [7]],
    ['has an int of more than 32 bits', 'null', record('"int"'), [0x80, 0x80, 0x80, 0x80, 0x20]],
    ['has a long of more than 64 bits', 'null', record('"long"'), [...Array(9).fill(0xff), 0x7f]],
    ['has a fixed without a size', 'null', record('{"type":"fixed","name":"f"}'), [1]],
    [
      'has more nulls in a list than a list may have',
      'null',
      record('{"type":"array","items":"null"}'),
      [0x80, 0x80, 0x80, 0x80, 0x01, 0],
    ],
  ])('that %s is refused', async (_, codec, schema, block) => {
    const bytes = containerOf(codec, schema, block)
    await expect(reading(opened, { 'a.avro': bytes })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/^a\.avro: /),
    })
  })

  it('whose integer has no end is refused after its tenth byte', async () => {
    const bytes = Buffer.concat([containerOf('null', record('"int"'), [2]), Buffer.alloc(8 * 1024 * 1024, 0xff)])
    await expect(textOf(bytes)).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('expected an integer of at most 64 bits'),
    })
  })

  it('of another kind is refused by name', async () => {
    await expect(reading(opened, { 'a.avro': gzipSync('x') })).rejects.toMatchObject({
      message: expect.stringContaining('a.avro: expected an Avro file, got gzip data'),
    })
  })
})

/** The schema of records with fields `a`, `b` and so on. */
function fields(...types: readonly string[]): string {
  const each = types.map((type, index) => `{"name":"${'ab'[index]}","type":${type}}`)
  return `{"type":"record","name":"r","fields":[${each.join(',')}]}`
}
const record = (type: string): string => fields(type)

/** Writes a file of one block. */
function containerOf(codec: string, schema: string, block: readonly number[], records = 1): Buffer {
  const text = (value: string): Buffer => Buffer.concat([long(value.length), Buffer.from(value)])
  const marker = Buffer.alloc(16, 7)
  const metadata = [long(2), text('avro.schema'), text(schema), text('avro.codec'), text(codec), long(0)]
  return Buffer.concat([
    Buffer.from('Obj\x01'),
    ...metadata,
    marker,
    long(records),
    long(block.length),
    Buffer.from(block),
    marker,
  ])
}

/** Writes a positive number of at most 14 bits. */
const long = (value: number): Buffer =>
  value < 64 ? Buffer.of(value * 2) : Buffer.of(((value * 2) & 127) | 128, (value * 2) >> 7)
