/** Texts in windows-1252, in every format and kind of input, with real threads. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Format, TaskDefinition } from '../../lib/define/definition.ts'
import { type CsvOptions, column, csv, files, jsonLines, lines, parquet, table, task } from '../../lib/define/index.ts'
import * as fanmill from '../../lib/index.ts'
import { runTask } from '../../lib/testing.ts'
import { encodeWindows1252 } from '../../lib/text/windows-1252.ts'
import { rowsOf } from '../engine/converting.ts'
import { buildZip } from '../zip-builder.ts'
import { type Project, projectWith } from './project.ts'

const project = projectWith({ workers: 2 })

const bytesOf = (text: string): Uint8Array => encodeWindows1252(text)!

/** All characters that windows-1252 has and latin-1 does not, but for quotes. */
const printed = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ'
const textOf = (id: number): string =>
  id % 7 === 0 ? `${printed} ${id}` : id % 2 === 0 ? `Müller ${id}` : `plain ${id}`
const isBad = (id: number): boolean => id % 1000 === 500

const formats = {
  csv: {
    ending: 'csv',
    source: "csv({ encoding: 'windows-1252' })",
    header: 'größe,text\n',
    row: (id: number) => `${isBad(id) ? 'x' : id},"${textOf(id)}"\n`,
  },
  'JSON lines': {
    ending: 'jsonl',
    source: "jsonLines({ encoding: 'windows-1252' })",
    header: '',
    row: (id: number) => `{"größe":${isBad(id) ? '"x"' : id},"text":"${textOf(id)}"}\n`,
  },
  lines: {
    ending: 'log',
    source: "lines({ pattern: '(?<grosse>[0-9x]+) (?<text>.*)', encoding: 'windows-1252' })",
    header: '',
    row: (id: number) => `${isBad(id) ? 'x' : id} ${textOf(id)}\n`,
  },
}
type FormatName = keyof typeof formats

const small = 20
const large = 25_000

function contentOf(format: FormatName, rows: number): Uint8Array {
  const { header, row } = formats[format]
  return bytesOf(header + Array.from({ length: rows }, (_, id) => row(id)).join(''))
}

/** How a text comes in: the input file, and whether it lies in an archive. */
const containers: readonly [string, number, (name: string, bytes: Uint8Array) => Record<string, Uint8Array>][] = [
  ['a loose file', small, (name, bytes) => ({ [name]: bytes })],
  ['a large loose file, read in ranges', large, (name, bytes) => ({ [name]: bytes })],
  ['a .gz', small, (name, bytes) => ({ [`${name}.gz`]: gzipSync(bytes) })],
  ['a large .gz, which is streamed', large, (name, bytes) => ({ [`${name}.gz`]: gzipSync(bytes, { level: 0 }) })],
  ['a member', small, (name, bytes) => ({ 'a.zip': buildZip({ [name]: bytes }) })],
  ['a huge member, which is streamed', large, (name, bytes) => ({ 'a.zip': buildZip({ [name]: bytes }) })],
  ['a compressed member', small, (name, bytes) => ({ 'a.zip': buildZip({ [`${name}.gz`]: gzipSync(bytes) }) })],
]

function projectOf(format: FormatName, inputs: Record<string, Uint8Array>): Project {
  const { ending, source } = formats[format]
  const from = inputs['a.zip']
    ? `zipMembers({ paths: '*.zip', format: ${source} })`
    : `files({ paths: '*.${ending}*', format: ${source} })`
  const id = format === 'lines' ? 'grosse' : 'größe'
  const pipeline = `
import { column, csv, files, jsonLines, lines, parquet, pipeline, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: ${from},
  columns: { ${id}: column.int32(), text: column.string() },
  rejects: { max: 100 },
  output: parquet({ path: '{task}' }),
})
export default pipeline({ name: 't', tasks: [t] })
`
  return project(pipeline, inputs)
}

/** Texts that are read from their start, whatever their size. */
const fromStart = {
  'csv in UTF-16 with a footer': {
    source: "csv({ encoding: 'utf-16', footer: 2 })",
    text: (ids: readonly number[]) =>
      Buffer.from(
        `\ufeffid,text\n${ids.map(id => `${isBad(id) ? 'x' : id},"${textOf(id)}"\n`).join('')}sum\nend`,
        'utf16le',
      ),
    line: (id: number) => id + 2,
  },
  'a JSON document': {
    source: "json({ path: '$.rows[*]' })",
    text: (ids: readonly number[]) =>
      Buffer.from(
        `{"rows":[${ids.map(id => `\n{"id":${isBad(id) ? '"x"' : id},\n"text":"${textOf(id)}"}`).join(',')}]}`,
      ),
    line: (id: number) => 2 * id + 2,
  },
}

describe.each(Object.entries(fromStart))('%s', (_, { source, text, line }) => {
  it.each(['t.txt', 't.txt.gz', 'a.zip'])('is read whole from a large %s', async name => {
    const ids = Array.from({ length: large }, (_, id) => id)
    const bytes = text(ids)
    const content = name === 'a.zip' ? buildZip({ 't.txt': bytes }) : name.endsWith('.gz') ? gzipSync(bytes) : bytes
    const from =
      name === 'a.zip'
        ? `zipMembers({ paths: '*.zip', format: ${source} })`
        : `files({ paths: 't.*', format: ${source} })`
    const some = project(
      `
import { column, csv, files, json, parquet, pipeline, task, zipMembers } from 'fanmill'
export const t = task({
  name: 't',
  source: ${from},
  columns: { id: column.int32(), text: column.string() },
  rejects: { max: 100 },
  output: parquet({ path: '{task}' }),
})
export default pipeline({ name: 't', tasks: [t] })
`,
      { [name]: content },
    )
    const { error } = await some.run({}, { groupBytes: 2 ** 20 })
    expect(error).toBeUndefined()
    const rows = await rowsOf(
      some
        .outputFiles()
        .filter(each => each.endsWith('.parquet'))
        .map(part => join(some.out, part)),
    )
    expect(rows.map(row => `${row.id} ${row.text}`).sort()).toEqual(
      ids
        .filter(id => !isBad(id))
        .map(id => `${id} ${textOf(id)}`)
        .sort(),
    )
    const rejects = await fanmill.rejects({ output: some.out, runId: some.manifest('t').runs[0]!.runId })
    const places = rejects.map(reject => [reject.record, reject.line]).sort(([a = 0], [b = 0]) => a - b)
    expect(places).toEqual(ids.filter(isBad).map(id => [id + 1, line(id)]))
  })
})

describe.each(Object.keys(formats) as FormatName[])('%s in windows-1252', format => {
  it.each(containers)('as %s gives every character, and rejects with their lines', async (_, count, pack) => {
    const some = projectOf(format, pack(`t.${formats[format].ending}`, contentOf(format, count)))
    // Small batches, so that large inputs are cut.
    const { status, error, tasks } = await some.run({}, { groupBytes: 2 ** 20 })
    expect(error).toBeUndefined()
    expect(status).toBe('complete')
    const ids = Array.from({ length: count }, (_, id) => id)
    const bad = ids.filter(isBad)
    expect(tasks[0]).toMatchObject({ rowsRead: count - bad.length, rowsRejected: bad.length })
    const parts = some.outputFiles().filter(name => name.endsWith('.parquet'))
    const rows = await rowsOf(parts.map(part => join(some.out, part)))
    const found = rows.map(row => `${row.größe ?? row.grosse} ${row.text}`).sort()
    expect(found).toEqual(
      ids
        .filter(id => !isBad(id))
        .map(id => `${id} ${textOf(id)}`)
        .sort(),
    )
    const rejects = await fanmill.rejects({ output: some.out, runId: some.manifest('t').runs[0]!.runId })
    const headerLines = formats[format].header === '' ? 0 : 1
    const places = rejects.map(({ line }) => line).sort((a, b) => a - b)
    expect(places).toEqual(bad.map(id => id + 1 + headerLines))
  })
})

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/infer/${name}`, import.meta.url))

/** Runs a task over one CSV, and gives its rows. */
function readCsv(name: string, options: CsvOptions, columns: TaskDefinition['columns'], tables?: Tables) {
  const reading = task({
    name: 't',
    source: files({ paths: 'a.csv', format: csv(options) }),
    columns,
    tables: tables?.definitions,
    output: parquet({ path: 't' }),
  })
  return runTask(tables ? reading.sql`select i.id, p.v from input i left join prices p on p.k = i.id` : reading, {
    files: { 'a.csv': fixture(name), ...tables?.files },
  })
}

interface Tables {
  readonly definitions: TaskDefinition['tables']
  readonly files: Record<string, Uint8Array>
}

it.each(['windows-1252', 'latin-1'] as const)('reads files of Windows programs as %s', async encoding => {
  const text = column.string()
  const prices = await readCsv('win1252.csv', { encoding }, { id: column.int32(), price: text })
  expect(prices.rows).toEqual([
    { id: 1, price: '€ 5' },
    { id: 2, price: '“quoted”' },
  ])
  const cafes = await readCsv('latin1.csv', { encoding }, { id: column.int32(), name: text })
  expect(cafes.rows).toEqual([
    { id: 1, name: 'café' },
    { id: 2, name: 'x' },
  ])
  const date = column.date({ format: '%d.%m.%Y' })
  const amounts = await readCsv(
    'german-latin1.csv',
    { encoding, delimiter: ';' },
    { Datum: date, Betrag: text, Name: text },
  )
  expect(amounts.rows).toEqual([
    { Datum: '2024-01-31', Betrag: '1.234,50', Name: 'Müller' },
    { Datum: '2024-02-29', Betrag: '-3,00', Name: 'König' },
  ])
  expect([...prices.rejects, ...cafes.rejects, ...amounts.rejects]).toEqual([])
})

it.each<[string, Format, string, string]>([
  ['CSV', csv({ encoding: 'windows-1252' }), 't.csv', 'k,v\n1,5 €\n2,“x”\n'],
  ['compressed CSV', csv({ encoding: 'latin-1' }), 't.csv.gz', 'k,v\n1,5 €\n2,“x”\n'],
  ['JSON lines', jsonLines({ encoding: 'windows-1252' }), 't.jsonl', '{"k":"1","v":"5 €"}\n{"k":"2","v":"“x”"}\n'],
  ['lines', lines({ pattern: '(?<k>.) (?<v>.*)', encoding: 'windows-1252' }), 't.log', '1 5 €\n2 “x”\n'],
])('reads a table in windows-1252 of %s', async (_, format, name, text) => {
  const content = name.endsWith('.gz') ? gzipSync(bytesOf(text)) : bytesOf(text)
  const definitions = { prices: table(name, format, { k: column.string(), v: column.string() }) }
  const { rows } = await readCsv(
    'win1252.csv',
    { encoding: 'windows-1252' },
    { id: column.string() },
    { definitions, files: { [name]: content } },
  )
  expect(rows).toEqual([
    { id: '1', v: '5 €' },
    { id: '2', v: '“x”' },
  ])
})

it.each([csv({ encoding: 'windows-1252' }), jsonLines({ encoding: 'latin-1' })])(
  'writes the rows of a unit test in the encoding of the format, and names a character that it lacks',
  async format => {
    const reading = task({
      name: 't',
      source: files({ paths: '*', format }),
      columns: { t: column.string() },
      output: parquet({ path: 't' }),
    } as never) as TaskDefinition
    expect((await runTask(reading, { rows: [{ t: '“5 €”, Müller' }] })).rows).toEqual([{ t: '“5 €”, Müller' }])
    await expect(runTask(reading, { rows: [{ t: '5 日' }] })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('expected characters of windows-1252, as the format says, got "日"'),
    })
  },
)

it('refuses a file that begins with the byte order mark of UTF-8, and names it', async () => {
  const reading = { encoding: 'windows-1252' } as const
  const run = readCsv('../csv/bom.csv', reading, { a: column.string() })
  await expect(run).rejects.toMatchObject({
    code: 'INPUT_ENCODING',
    message: expect.stringMatching(/a\.csv.*byte order mark of UTF-8; remove encoding/),
  })
})
