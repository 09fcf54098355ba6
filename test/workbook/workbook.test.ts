/** Excel workbooks as inputs: cells by their types and formats, sheets, headers, rejects with their rows, and hostile files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Columns, FilesSource, ZipMembersSource } from '../../lib/define/definition.ts'
import { column, csv, files, parquet, table, task, type Xlsx, xlsx, zipMembers } from '../../lib/define/index.ts'
import { inferColumns } from '../../lib/infer/infer.ts'
import { runTask } from '../../lib/testing.ts'
import { kindOfCode } from '../../lib/workbook/number-formats.ts'
import { dateText, durationText, numberText } from '../../lib/workbook/serial-date.ts'
import { rewriteSheet } from '../../lib/workbook/sheet-text.ts'
import { buildZip } from '../zip-builder.ts'
import { buildWorkbook, row, type WorkbookSpec } from './workbook-builder.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/workbook/${name}`, import.meta.url))
const anyRejects = { max: '100%' } as const

const reading = (bytes: Uint8Array, format: Xlsx, columns: Columns) =>
  runTask(
    task({
      name: 't',
      source: files({ paths: '*.xlsx', format }),
      columns,
      output: parquet({ path: 't' }),
      rejects: anyRejects,
    }),
    { files: { 'a.xlsx': bytes } },
  )

const orders = {
  id: column.int32(),
  name: column.string(),
  price: column.decimal(10, 7),
  day: column.date(),
  at: column.timestamp(),
  ok: column.boolean(),
}

describe('a workbook that another program wrote', () => {
  it('gives the same rows and rejects from a file, a compressed file and a member of an archive', async () => {
    const bytes = fixture('openpyxl.xlsx')
    const shared = { columns: orders, output: parquet({ path: 't' }), rejects: anyRejects }
    const format = xlsx({ headerRow: 3 })
    const sources: readonly { source: FilesSource | ZipMembersSource; given: Record<string, Uint8Array> }[] = [
      { source: files({ paths: '*.xlsx', format }), given: { 'a.xlsx': bytes } },
      { source: files({ paths: '*.xlsx.gz', format }), given: { 'a.xlsx.gz': gzipSync(bytes) } },
      { source: zipMembers({ paths: '*.zip', format }), given: { 'a.zip': buildZip({ 'a.xlsx': bytes }) } },
      {
        source: zipMembers({ paths: '*.zip', format, onBadMember: 'skip' }),
        given: { 'a.zip': buildZip({ 'a.xlsx': bytes }) },
      },
    ]
    for (const { source, given } of sources) {
      const { rows, rejects } = await runTask(task({ name: 't', source, ...shared }), { files: given })
      expect(rows).toEqual([
        {
          id: 1,
          name: 'Ann, "x"\nz',
          price: '19.9900000',
          day: '2024-01-02',
          at: new Date('2024-01-02T03:04:05Z'),
          ok: true,
        },
        { id: 2, name: '日本 <&>', price: '0.0000001', day: '1900-01-01', at: new Date('2024-01-02Z'), ok: false },
        { id: 5, name: 'five', price: null, day: null, at: null, ok: null },
      ])
      expect(rejects.map(({ line, column: name, expected, received }) => [line, name, expected, received])).toEqual([
        [6, 'id', 'int32', 'x'],
        [8, 'name', 'string', '#N/A'],
        [10, '', '7 fields', '6,six,6,,,,,extra'],
      ])
    }
  })

  it('reads dates from 1904, durations, texts with formats, and the values of formulas', async () => {
    const { rows } = await reading(fixture('xlsxwriter-1904.xlsx'), xlsx({ sheet: 'A & B' }), {
      id: column.int32(),
      day: column.date(),
      dur: column.int32({ duration: 'seconds' }),
      rich: column.string(),
      total: column.int32(),
    })
    expect(rows).toEqual(
      [1, 2, 3].map(id => ({ id, day: `2020-01-0${id}`, dur: (36 + 24 * id) * 3600, rich: 'a bold c', total: 3 * id })),
    )
  })
})

const text = async (spec: WorkbookSpec | Uint8Array, format: Xlsx = xlsx({ headerRow: false })): Promise<string> => {
  const bytes = spec instanceof Uint8Array ? spec : buildWorkbook(spec)
  const chunks = await Array.fromAsync(rewriteSheet(chunksOf(bytes), { format, gaps: [] }))
  return Buffer.concat(chunks).toString()
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
}

describe('cells', () => {
  it('are written as their values, by their types and number formats', async () => {
    const formats = [0, 14, 22, 46, '[Red]0.00" days"', '[$-409]d\\-mmm;@', '"d"0']
    const rows = [
      row(1, 1, 0.1, '0/19.989999999999998', '0/1E+20', '0/1.5E-7', true, false),
      row(2, '1/45292', '2/45292.5', '3/1.5', '4/45292', '5/45292', '6/45292', '1/-1'),
      row(3, 's:0', 's:1', 'f:a_x000D_\nb', 'x_x0041_', ' ', 'a,"b"', undefined),
      row(5, undefined, undefined, 'last'),
    ]
    const strings = ['<t>plain</t>', '<r><t>a</t></r><r><t> b</t></r><rPh sb="0" eb="1"><t>ph</t></rPh>']
    expect(await text({ rows: rows.join(''), formats, strings })).toBe(
      [
        '1,0.1,19.99,100000000000000000000,0.00000015,true,false',
        '2024-01-01,2024-01-01 12:00:00,36:00:00,45292,2024-01-01,45292,-1',
        'plain,a b,"a\r\nb",xA, ,"a,""b"""',
        ',,last',
        '',
      ].join('\n'),
    )
  })

  it('with an error are rejects of the columns that are read, whatever their type, and no others', async () => {
    const rows = [
      row(1, 'a', 'b', 'c'),
      row(2, 'e:#DIV/0!', 1, 'x'),
      row(3, 'x', 'e:#REF!', 'y'),
      row(4, '#REF!', 2, 'e:#N/A'),
    ]
    const result = await reading(buildWorkbook({ rows: rows.join('') }), xlsx(), {
      a: column.string(),
      b: column.int64(),
    })
    expect(result.rows).toEqual([{ a: '#REF!', b: 2n }])
    expect(
      result.rejects.map(({ line, column: name, received, text: whole }) => [line, name, received, whole]),
    ).toEqual([
      [2, 'a', '#DIV/0!', '#DIV/0!,1,x'],
      [3, 'b', '#REF!', 'x,#REF!,y'],
    ])
  })

  it('are checked like text: a date with a time is no date, a number is no date, and a number with decimals no integer', async () => {
    const rows = [
      row(1, 'day', 'n'),
      row(2, '1/45292.5', 1),
      row(3, 45292, 1),
      row(4, '1/45292', 1.5),
      row(5, '1/45292', 7),
    ]
    const result = await reading(buildWorkbook({ rows: rows.join(''), formats: [0, 14] }), xlsx(), {
      day: column.date(),
      n: column.int32(),
    })
    expect(result.rows).toEqual([{ day: '2024-01-01', n: 7 }])
    expect(result.rejects.map(({ line, column: name }) => `${line} ${name}`)).toEqual(['2 day', '3 day', '4 n'])
  })

  it('with carriage returns do not change the numbers of the rows after them', async () => {
    const rows = row(1, 'n', 't') + row(2, 1, 'a&#13;') + row(3, 2, '&#13;&#10;b&#10;') + row(4, 'no', 'c')
    const { rejects } = await reading(buildWorkbook({ rows }), xlsx(), { n: column.int32(), t: column.string() })
    expect(rejects.map(({ line, column: name }) => `${line} ${name}`)).toEqual(['4 n'])
  })

  it.each<[number, boolean, string | undefined]>([
    [1, false, '1900-01-01'],
    [59, false, '1900-02-28'],
    [60, false, undefined],
    [61, false, '1900-03-01'],
    [0.75, false, '18:00:00'],
    [0, false, '00:00:00'],
    [45292.999999999, false, '2024-01-02'],
    [45292.5000115741, false, '2024-01-01 12:00:01'],
    [2_958_465, false, '9999-12-31'],
    [2_958_466, false, undefined],
    [0, true, '1904-01-01'],
    [43_830, true, '2024-01-01'],
  ])('show the day of %d (from 1904: %s) as %s', (serial, is1904, expected) => {
    expect(dateText(serial, is1904)).toBe(expected)
  })

  it('have numbers without an exponent, and durations past a day', () => {
    expect(['1E-7', '-1.5e+21', '1.0', '-0.30000000000000004', '12345678901234567890'].map(numberText)).toEqual([
      '0.0000001',
      '-1500000000000000000000',
      '1',
      '-0.30000000000000004',
      '12345678901234567890',
    ])
    expect([' ', '0x10', '0b1', '', ' 2.50 ', '-1.', '.5'].map(numberText)).toEqual([
      ' ',
      '0x10',
      '0b1',
      '',
      '2.5',
      '-1',
      '0.5',
    ])
    expect([1.5, -0.25, 0.0000115740741].map(durationText)).toEqual(['36:00:00', '-06:00:00', '00:00:01'])
    expect(['yyyy', '"day" 0', '[h]:mm', '0;d', '[$€-407] 0', 'General', '\\d0'].map(kindOfCode)).toEqual([
      'date',
      undefined,
      'duration',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('sheets', () => {
  const three =
    '<sheet name="Data" state="hidden" r:id="rId1"/><sheet name="Totals" r:id="rId2"/><sheet name="Chart" r:id="rId3"/>'
  const spec = { sheets: three, rows: row(1, 'first') }

  it('are found by name or number; by default the first that is not hidden', async () => {
    const by = (sheet?: string | number) => text(spec, xlsx({ headerRow: false, sheet }))
    expect(await Promise.all([by(), by('Totals'), by('Data'), by(1), by(2)])).toEqual([
      'a\n2\n',
      'a\n2\n',
      'first\n',
      'first\n',
      'a\n2\n',
    ])
    await expect(by('data')).rejects.toThrow(
      'expected a sheet named "data", got "Data" (hidden), "Totals", "Chart"; set sheet in xlsx()',
    )
    await expect(by(4)).rejects.toThrow('expected a workbook of at least 4 sheets')
    await expect(by('Chart')).rejects.toThrow('expected "Chart" to be a sheet of cells')
  })

  it('without cells are empty; a header row without names is refused with the row to set', async () => {
    const columns = { a: column.string() }
    expect((await reading(buildWorkbook({}), xlsx(), columns)).rows).toEqual([])
    const bytes = buildWorkbook({ rows: row(4, 'a') + row(5, 'x') })
    await expect(reading(bytes, xlsx(), columns)).rejects.toThrow(
      'a.xlsx: expected the names of columns in row 1, got an empty row, and the next cells in row 4; set headerRow in xlsx()',
    )
    expect((await reading(bytes, xlsx({ headerRow: 4 }), columns)).rows).toEqual([{ a: 'x' }])
  })

  it('are broadcast tables too, in which an error ends the run', async () => {
    const joined = (city: string) =>
      runTask(
        task({
          name: 't',
          source: files({ paths: '*.csv', format: csv() }),
          columns: { id: column.int32() },
          tables: {
            cities: table('cities.xlsx', { format: xlsx(), columns: { id: column.int32(), city: column.string() } }),
          },
          output: parquet({ path: 't' }),
        }).sql`select input.id, city from input join cities using (id)`,
        {
          files: {
            'a.csv': 'id\n1\n2\n',
            'cities.xlsx': buildWorkbook({ rows: row(1, 'id', 'city', 'more') + row(2, 2, city) }),
          },
        },
      )
    expect((await joined('Bern')).rows).toEqual([{ id: 2, city: 'Bern' }])
    await expect(joined('e:#N/A')).rejects.toThrow('expected a value in row 2, column 2, got #N/A')
  })
})

const sheetPart = 'xl/worksheets/sheet1.xml'
const bomb = { rows: row(1, 'a').replace('<is>', `<is>${' '.repeat(2 ** 21)}`) }

it.each<[string, Uint8Array, string]>([
  ['a text', Buffer.from('a,b\n1,2\n'), 'expected an Excel workbook (xlsx), got a zip archive that cannot be read'],
  ['an old workbook', Buffer.from('d0cf11e0a1b11ae100', 'hex'), 'save it as .xlsx without a password first'],
  ['a workbook that is cut short', buildWorkbook({ rows: row(1, 'a') }).subarray(0, -40), 'cut short'],
  ['another zip archive', buildZip({ 'a.csv': 'x' }), 'got a zip archive without a workbook'],
  [
    'a binary workbook',
    buildWorkbook({
      parts: { '_rels/.rels': '<R><Relationship Type="x/officeDocument" Target="xl/workbook.bin"/></R>' },
    }),
    'save it as .xlsx first',
  ],
  [
    'another document of Office',
    buildWorkbook({ parts: { 'xl/workbook.xml': '<document/>' } }),
    'got another document of Office',
  ],
  [
    'a workbook without its sheet',
    buildWorkbook({ parts: { [sheetPart]: undefined } }),
    `expected the part ${sheetPart}`,
  ],
  [
    'XML that ends early',
    buildWorkbook({ rows: `<?xml version="1.0"?><worksheet><sheetData>${row(1, 'a')}` }),
    'to be well formed',
  ],
  ['XML with other ends', buildWorkbook({ rows: '<row r="1"></c>' }), 'to be well formed'],
  ['XML that is no sheet', buildWorkbook({ rows: '<?xml version="1.0"?><html/>' }), 'to be a sheet of cells'],
  [
    'a document type',
    buildWorkbook({ rows: '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>' }),
    'a declaration of a document type',
  ],
  ['an unknown entity', buildWorkbook({ rows: row(1, '&boom;') }), 'unknown entity &boom;'],
  ['a text that reads like the mark of an error', buildWorkbook({ rows: row(1, '&#1;x') }), 'unknown entity &#1;'],
  [
    'bytes that are not UTF-8',
    buildWorkbook({ parts: { [sheetPart]: { data: Buffer.from('<worksheet>\xff</worksheet>', 'latin1') } } }),
    'in UTF-8, as it declares or by default',
  ],
  [
    'elements without an end in one another',
    buildWorkbook({ rows: '<a>'.repeat(100) }),
    'more than 64 elements in one another',
  ],
  ['a text without an end', buildWorkbook(bomb), 'a text of more than 1048576 characters'],
  ['a cell that is too long', buildWorkbook({ rows: row(1, 'x'.repeat(32_768)) }), 'at most 32767 characters in cells'],
  [
    'a row that is made long of a shared text',
    buildWorkbook({
      strings: [`<t>${'x'.repeat(32_000)}</t>`],
      rows: `<row>${'<c t="s"><v>0</v></c>'.repeat(1000)}</row>`,
    }),
    'at most 16777216 characters in row 1',
  ],
  [
    'a shared text that is not there',
    buildWorkbook({ rows: row(7, 's:3') }),
    'one of 0 shared texts in row 7, column 1, got "3"',
  ],
  [
    'an index of a shared text that is no number',
    buildWorkbook({ strings: ['<t>a</t>'], rows: row(1, 's: ') }),
    'got " "',
  ],
  [
    'a number of a row that is none',
    buildWorkbook({ rows: '<row r="0x1"></row>' }),
    'after 0, at most 1048576, got "0x1"',
  ],
  ['rows in another order', buildWorkbook({ rows: row(2, 'a') + row(1, 'b') }), 'the number of a row after 2'],
  [
    'a column that Excel does not have',
    buildWorkbook({ rows: '<row r="1"><c r="XFE1"><v>1</v></c></row>' }),
    'a cell after column 0 in row 1, got "XFE1"',
  ],
  [
    'a sheet of another checksum',
    buildWorkbook({ parts: { [sheetPart]: { data: '<worksheet/>', declared: { crc32: 1 } } } }),
    'expected an Excel workbook (xlsx), got a zip archive that cannot be read',
  ],
  [
    'a sheet that inflates to more than it says',
    buildWorkbook({
      parts: { [sheetPart]: { data: `<worksheet>${' '.repeat(5000)}</worksheet>`, declared: { inflatedBytes: 100 } } },
    }),
    'expected an Excel workbook (xlsx), got a zip archive that cannot be read',
  ],
  [
    'a sheet with a password of the archive',
    buildWorkbook({ parts: { [sheetPart]: { data: '<worksheet/>', encrypted: true } } }),
    'decrypt the archive first',
  ],
])('refuses %s, and names the file', async (_, bytes, message) => {
  const error = await reading(bytes, xlsx({ headerRow: false }), { a: column.string() }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toMatchObject({ code: 'INPUT_INVALID', message: expect.stringContaining(message) })
  expect((error as Error).message).toMatch(/^a\.xlsx: /)
})

it.each<[string, () => unknown, string]>([
  ['an empty name of a sheet', () => xlsx({ sheet: '' }), 'xlsx: sheet: expected'],
  ['sheets counted from 0', () => xlsx({ sheet: 0 }), 'xlsx: sheet: expected a whole number from 1 up, got 0'],
  ['row 0 as the header', () => xlsx({ headerRow: 0 }), 'xlsx: headerRow: expected a whole number from 1 up, got 0'],
  [
    'a table without a header',
    () => table('a.xlsx', { format: xlsx({ headerRow: false }) }),
    'table: format.headerRow: expected',
  ],
  ['an unknown option', () => xlsx({ header: true } as never), 'header'],
])('refuses %s at definition', (_, build, message) => {
  expect(build).toThrow(
    expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(message) }),
  )
})

it('is read by infer, which proposes columns whose types errors do not change', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanmill-workbook-'))
  try {
    const file = join(folder, 'a.xlsx')
    const rows = [row(1, 'id', 'day', 'note'), row(2, 1, '1/45292', 'x'), row(3, 'e:#N/A', '1/45293', 'y,z')]
    writeFileSync(file, buildWorkbook({ rows: rows.join(''), formats: [0, 14] }))
    const { source, format } = await inferColumns(file)
    expect(format).toMatchObject({ kind: 'xlsx', headerRow: 1 })
    expect(source).toContain('format: xlsx(),')
    expect(source).toMatch(/id: column\.int\d+\(\),\n {2}day: column\.date\(\),\n {2}note: column\.string\(\)/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
