/** Texts of other forms: UTF-16, footers, units, comments, escapes, short rows, fixed width and JSON documents. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Columns, TaskDefinition } from '../../lib/define/definition.ts'
import type { TextFormat } from '../../lib/define/formats/format-kind.ts'
import { column, csv, files, fixedWidth, json, parquet, task, zipMembers } from '../../lib/define/index.ts'
import { createStage } from '../../lib/stage/stage.ts'
import type { TestFiles } from '../../lib/testing/test-files.ts'
import { runTask } from '../../lib/testing.ts'
import { cutRecords } from '../../lib/text/records/cut.ts'

interface TextForm {
  readonly name: string
  readonly format: TextFormat
  readonly columns: Columns
  readonly text: string | Uint8Array
  readonly rows: readonly object[]
  /** Line, record, column and `expected` of each reject. */
  readonly rejects?: readonly string[]
}

const ab = { a: column.int32(), b: column.string() }
const swapped = (text: string): Uint8Array => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
const wide = (text: string): Uint8Array => Buffer.from(text, 'utf16le')

const forms: readonly TextForm[] = [
  {
    name: 'UTF-16 with a byte order mark, big-endian',
    format: csv({ encoding: 'utf-16' }),
    columns: ab,
    text: swapped('a,b\r\n1,"日\n本 😀"\r\nx,é\r\n2,€'),
    rows: [
      { a: 1, b: '日\n本 😀' },
      { a: 2, b: '€' },
    ],
    rejects: ['4 2 a int32'],
  },
  {
    name: 'UTF-16LE without a mark, with half of a character',
    format: csv({ encoding: 'utf-16le', delimiter: '\t' }),
    columns: ab,
    text: wide('a\tb\n1\tx\n2\t\ud83d!\n3\t😀\n'),
    rows: [
      { a: 1, b: 'x' },
      { a: 3, b: '😀' },
    ],
    rejects: ['3 2 b UTF-8, or encoding in csv()'],
  },
  {
    name: 'a line of units and a footer, which an open quote does not disturb',
    format: csv({ skip: 1, skipAfterHeader: 1, footer: 2 }),
    columns: ab,
    text: 'made today\na,b\n[m],[s]\n1,x\nq,y\n\n2,"z\nz"\nTotal "of,3\n\n(end\r\n\n',
    rows: [
      { a: 1, b: 'x' },
      { a: 2, b: 'z\nz' },
    ],
    rejects: ['5 2 a int32'],
  },
  { name: 'nothing but a footer', format: csv({ footer: 3 }), columns: ab, text: 'a,b\n1,x\n', rows: [] },
  {
    name: 'comments of several characters',
    format: csv({ comment: '//', footer: 1 }),
    columns: { a: column.string(), b: column.string() },
    text: '// of today\na,b\n/1,x\n//2,y\n/,z\n/\nend',
    rows: [
      { a: '/1', b: 'x' },
      { a: '/', b: 'z' },
    ],
    rejects: ['6 3  2 fields'],
  },
  {
    name: 'a delimiter of several characters',
    format: csv({ delimiter: '~|~' }),
    columns: ab,
    text: 'a~|~b\n1~|~"x~|~y"\n2~|~~|\nx~|~|\n',
    rows: [
      { a: 1, b: 'x~|~y' },
      { a: 2, b: '~|' },
    ],
    rejects: ['4 3 a int32'],
  },
  {
    name: 'escapes of MySQL and PostgreSQL',
    format: csv({ delimiter: '\t', quote: '', escape: '\\' }),
    columns: ab,
    text: 'a\tb\n1\tt\\tn\\nb\\\\n\\\\\n2\tx\\\ty\\\nz\\\\\\\nq\nx\tq\n\\N\t\\N\n3\t\n4\t\\\\N\\"\n',
    rows: [
      { a: 1, b: 't\tn\nb\\n\\' },
      { a: 2, b: 'x\ty\nz\\\nq' },
      { a: null, b: null },
      { a: 3, b: '' },
      { a: 4, b: '\\N"' },
    ],
    rejects: ['6 3 a int32'],
  },
  ...(
    [
      ['\r', '5 2 a int32'],
      ['\n', '4 2 a int32'],
      ['\r\n', '4 2 a int32'],
    ] as const
  ).map(([newline, reject]) => ({
    name: `escaped newlines in records that end in ${JSON.stringify(newline)}`,
    format: csv({ delimiter: '\t', quote: '', escape: '\\' }),
    columns: ab,
    text: ['a\tb', '1\tx\\\ny\\\rz', 'q\tw', '2\tv', ''].join(newline),
    rows: [
      { a: 1, b: 'x\ny\rz' },
      { a: 2, b: 'v' },
    ],
    rejects: [reject],
  })),
  {
    name: 'escapes with another delimiter, without a header, in windows-1252',
    format: csv({ delimiter: ',', quote: '', escape: '\\', header: false, encoding: 'windows-1252' }),
    columns: ab,
    text: Buffer.from('1,x\\,y\xe9\\\n\n2\\,,b\n3,c\n', 'latin1'),
    rows: [
      { a: 1, b: 'x,yé\n' },
      { a: 3, b: 'c' },
    ],
    rejects: ['3 2 a int32'],
  },
  {
    name: 'short rows as nulls',
    format: csv({ shortRows: 'null' }),
    columns: { ...ab, c: column.string() },
    text: 'a,b,c\n1\n\n2,"x\ny"\n3,x,y\n4,x,y,z\nq,z\n',
    rows: [
      { a: 1, b: null, c: null },
      { a: 2, b: 'x\ny', c: null },
      { a: 3, b: 'x', c: 'y' },
    ],
    rejects: ['7 4  3 fields', '8 5 a int32'],
  },
  {
    name: 'fixed width',
    format: fixedWidth({ columns: { a: 3, b: { from: 5, to: 7 } }, skip: 1, footer: 1 }),
    columns: ab,
    text: 'AAA BBB\n  1 é日x rest\n 2     \nx   abc\n3\n\n 4  c  \ntotal',
    rows: [
      { a: 1, b: 'é日x' },
      { a: 2, b: null },
      { a: 4, b: 'c' },
    ],
    rejects: ['4 3 a int32', '5 4  a line of at least 7 characters'],
  },
  {
    name: 'fixed width with short rows',
    format: fixedWidth({ columns: { a: 3, b: { from: 5, to: 7 } }, shortRows: 'null' }),
    columns: ab,
    text: '  1\n2   xy\n',
    rows: [
      { a: 1, b: null },
      { a: 2, b: 'xy' },
    ],
  },
  {
    name: 'a JSON array over many lines',
    format: json(),
    columns: { a: column.decimal(30, 20), b: column.json() },
    text: '\ufeff[\n  {\n    "a": 0.12345678901234567890,\n    "b": {"x": "]}\\"\\\\", "y": [1,\n 2]}\n  },\n  {"a": "q"}, {"a": 1},\n\n  7,\n {"a": 2,}\n]\n',
    rows: [
      { a: '0.12345678901234567890', b: '{"x":"]}\\"\\\\","y":[1,2]}' },
      { a: '1.00000000000000000000', b: null },
    ],
    rejects: ['7 2 a decimal(30, 20)', '9 4  a JSON object', '10 5  a JSON object without trailing commas'],
  },
  {
    name: 'records in JSON documents that follow one another',
    format: json({ path: "$.Records[*]['the item']" }),
    columns: ab,
    text: '{"Records": "x", "n": 1, "Records": [{"the item": {"a": 1, "b": "x"}, "other": {"the item": 0}}, [], {}], "z": {"Records": [{"the item": {"a": 9}}]}}{"Records":[\n{"\\u0074he item":{"a":2}},{"the item":\n{"a":"x"}}]}',
    rows: [
      { a: 1, b: 'x' },
      { a: 2, b: null },
    ],
    rejects: ['3 3 a int32'],
  },
  {
    name: 'a JSON document that is one record',
    format: json(),
    columns: ab,
    text: '{"a":\n1,"b":"[{\\""}',
    rows: [{ a: 1, b: '[{"' }],
  },
  {
    name: 'a JSON array in UTF-16',
    format: json({ encoding: 'utf-16' }),
    columns: ab,
    text: wide('\ufeff[{"a":1,"b":"é"},\n{"a":"x"}]'),
    rows: [{ a: 1, b: 'é' }],
    rejects: ['2 2 a int32'],
  },
]

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === 'string' ? Buffer.from(text) : text)

function tasksOf({ format, columns, text }: TextForm): readonly { tested: TaskDefinition; given: TestFiles }[] {
  const common = { name: 't', columns, rejects: { max: 9 }, output: parquet({ path: 't' }) } as const
  const bytes = bytesOf(text)
  const plain = task({ ...common, source: files({ paths: 'x*', format }) })
  const zipped = task({ ...common, source: zipMembers({ paths: '*.zip', members: '*', format }) })
  return [
    { tested: plain, given: { 'x.txt': bytes } },
    { tested: plain, given: { 'x.txt.gz': gzipSync(bytes) } },
    { tested: zipped, given: { 'x.zip': { 'x.txt': bytes } } },
  ]
}

describe.each(forms)('$name', form => {
  const { rows, rejects = [] } = form

  it('gives its rows, and rejects with their places, from a file, a compressed file and a member', async () => {
    for (const { tested, given } of tasksOf(form)) {
      const result = await runTask(tested, { files: given })
      expect(result.rows).toEqual(rows)
      expect(
        result.rejects.map(({ line, record, column: name, expected }) => `${line} ${record} ${name} ${expected}`),
      ).toEqual(rejects)
    }
  })

  it('is staged alike as a whole and in pieces, whatever the chunks', async () => {
    const bytes = bytesOf(form.text)
    const whole = await staged(form.format, stage => stage(bytes))
    for (const chunkBytes of [1, 2, 3, 7])
      expect(
        await staged(form.format, async stage => {
          const options = { format: form.format, pieceBytes: 5 }
          for await (const { bytes: piece, ...place } of cutRecords(chunksOf(bytes, chunkBytes), options))
            stage(piece, place)
        }),
      ).toBe(whole)
  })
})

/** Returns the located text of a stage, without the numbers of members. */
async function staged(
  format: TextFormat,
  add: (stage: (bytes: Uint8Array, place?: object) => void) => void | Promise<void>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-forms-'))
  try {
    const stage = createStage({ folder, format, located: true, stageBytesMax: 1e8 })
    await add((bytes, place) => stage.add(bytes, { archive: 'x.txt', member: '', ...place }))
    const texts = stage.finish().map(({ file }) => readFileSync(file, 'utf8'))
    return texts
      .join('')
      .replaceAll(/^\d+(?=\P{L}+?\d)/gmu, '#')
      .replaceAll('\r', '')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function* chunksOf(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

const reading = (format: TextFormat, text: string | Uint8Array) =>
  runTask(task({ name: 't', source: files({ paths: 'x', format }), columns: ab, output: parquet({ path: 't' }) }), {
    files: { x: bytesOf(text) },
  })

it.each<[string, TextFormat, string | Uint8Array, string, string]>([
  [
    'a JSON document that is cut short',
    json(),
    '[{"a":1},\n{"a"',
    'INPUT_INVALID',
    'line 2: expected the end of a JSON document',
  ],
  [
    'a JSON document without the path',
    json({ path: '$.rows[*]' }),
    '{"row":[]}',
    'INPUT_INVALID',
    'line 1: expected a value at $.rows[*], got a document without it',
  ],
  [
    'a JSON document with something between the records',
    json(),
    '[{"a":1}\n{"a":2}]',
    'INPUT_INVALID',
    'line 2: expected a comma, or the end of the array or object, got "{"',
  ],
  ['text that is no JSON', json(), 'a,b\n', 'INPUT_INVALID', 'line 1: expected an array or an object, got "a"'],
  [
    'UTF-8 that was declared as UTF-16',
    csv({ encoding: 'utf-16' }),
    'a,b\n1,x\n',
    'INPUT_ENCODING',
    'got one without the zeros of UTF-16; remove encoding',
  ],
  [
    'UTF-16 in the other order',
    csv({ encoding: 'utf-16le' }),
    swapped('a,b\n'),
    'INPUT_ENCODING',
    "byte order mark of utf-16be; set encoding: 'utf-16'",
  ],
  [
    'UTF-16 that was not declared',
    csv(),
    swapped('a,b\n'),
    'INPUT_ENCODING',
    "got UTF-16BE; set encoding: 'utf-16' in the format",
  ],
  [
    'UTF-16 of an odd length',
    csv({ encoding: 'utf-16' }),
    wide('a,b\n1').subarray(0, 9),
    'INPUT_ENCODING',
    'an odd number of bytes',
  ],
  [
    'an archive where JSON is declared',
    json(),
    Buffer.from('PK\x03\x04'),
    'INPUT_INVALID',
    'expected text, got a zip archive',
  ],
])('refuses %s', async (_, format, text, code, message) => {
  await expect(reading(format, text)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
})

it.each<[string, () => unknown, string]>([
  [
    'units without a header',
    () => csv({ header: false, skipAfterHeader: 1 }),
    'csv: skipAfterHeader: expected none where there is no header; use skip',
  ],
  ['a comment with a space', () => csv({ comment: '# ' }), 'csv: comment: expected one to eight ASCII characters'],
  [
    'a comment that begins with the delimiter',
    () => csv({ comment: ',,' }),
    'csv: comment: expected a comment that does not begin with the delimiter',
  ],
  [
    'an escape that is the delimiter',
    () => csv({ quote: '', escape: ',' }),
    'csv: escape: expected a delimiter of one other character',
  ],
  ['a path that is none', () => json({ path: 'Records[*]' }), 'json: path: expected a path of keys and [*]'],
  [
    'columns that overlap',
    () => fixedWidth({ columns: { a: 3, b: { from: 3, to: 4 } } }),
    'fixedWidth: columns.b: expected characters that no other column has, got 3 to 4, as a has 1 to 3',
  ],
  [
    'a column that ends before it begins',
    () => fixedWidth({ columns: { a: { from: 3, to: 2 } } }),
    'expected an end after the beginning',
  ],
  ['an unknown encoding', () => json({ encoding: 'utf-32' as never }), 'json: encoding: expected one of utf-8'],
])('refuses %s at definition', (_, build, message) => {
  expect(build).toThrow(
    expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(message) }),
  )
})
