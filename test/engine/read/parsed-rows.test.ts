import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColumnDefinition, Columns, CsvFormat } from '../../../lib/define/definition.ts'
import { column, csv, parquet } from '../../../lib/define/index.ts'
import { type Engine, openEngine } from '../../../lib/duckdb/engine.ts'
import { parsingOf } from '../../../lib/engine/read/text/parsed-rows.ts'
import { openTask } from '../../../lib/engine/task-engine.ts'
import { createStage } from '../../../lib/stage/stage.ts'
import type { StagedFile } from '../../../lib/stage/staged-file.ts'
import { rowsOf } from '../converting.ts'

let folder: string
let engine: Engine
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanmill-parsed-'))
  const tempFolder = join(folder, 'spill')
  engine = await openEngine({ folders: [folder], tempFolder, memoryBytes: 256 * 1024 * 1024 })
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

let stages = 0

function stageTexts(texts: readonly string[], format: CsvFormat, columns: Columns | undefined): StagedFile[] {
  const parsing = columns && parsingOf(format, { columns })
  const stage = createStage({ folder, format, located: false, stageBytesMax: 1e9, name: `s${stages++}`, parsing })
  for (const [index, text] of texts.entries()) stage.add(Buffer.from(text), { archive: 'a.zip', member: `${index}` })
  return stage.finish()
}

interface Read {
  readonly rows: readonly object[] | 'misfits'
  readonly files: readonly StagedFile[]
}

/** Reads the texts as a fast reading does: as the engine reads them, and parsed. */
async function readBoth(
  texts: readonly string[],
  {
    columns,
    format = csv(),
    strict,
  }: { readonly columns: Columns; readonly format?: CsvFormat; readonly strict: boolean },
): Promise<{ readonly engine: Read; readonly parsed: Read }> {
  const task = { format, columns, steps: [], tables: [], strict, provenance: [], parts: parquet({ path: 'p' }) }
  const reader = await openTask(engine, task, {})
  const read = async (files: readonly StagedFile[]): Promise<Read> => {
    const target = join(folder, `part${stages++}`)
    const converted = await reader.convert({ files, target, isCareful: false })
    if (converted.kind !== 'parts') return { rows: 'misfits', files }
    return { rows: await rowsOf(converted.parts.map(({ file }) => file)), files }
  }
  return {
    engine: await read(stageTexts(texts, format, undefined)),
    parsed: await read(stageTexts(texts, format, columns)),
  }
}

const digits = (min: number, max: number) =>
  fc.array(fc.constantFrom(...'0123456789'), { minLength: min, maxLength: max }).map(found => found.join(''))
const sign = fc.constantFrom('', '', '-', '+', '--')
const number = fc.oneof(
  fc.tuple(sign, digits(0, 20)).map(parts => parts.join('')),
  fc
    .tuple(sign, digits(0, 19), fc.constantFrom('.', '.', ',', '..', 'e', 'e-'), digits(0, 19))
    .map(parts => parts.join('')),
  fc.constantFrom('127', '128', '-128', '-129', '32767', '32768', '-32768', '-32769', '2147483647', '2147483648'),
  fc.constantFrom('-2147483648', '-2147483649', '255', '256', '65535', '65536', '4294967295', '4294967296'),
  fc.constantFrom('9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809'),
  fc.constantFrom(
    '18446744073709551615',
    '9007199254740993',
    '0.1',
    '-0',
    '-0.0',
    '1e400',
    'nan',
    'inf',
    '1_000',
    ' 1',
    '1 ',
  ),
  fc.constantFrom('999.999', '999.9999', '1000', '-999.999', '0.0005', '00000000000000000001', '123456.7', '٣'),
)
const two = fc.oneof(fc.nat(60), fc.nat(99)).map(value => `${value}`.padStart(2, '0'))
const date = fc.oneof(
  fc
    .tuple(fc.constantFrom('2024', '1900', '2000', '0000', '0001', '9999', '1969', '20240'), two, two)
    .map(parts => parts.join('-')),
  fc
    .date({ min: new Date(-5e13), max: new Date(2e14), noInvalidDate: true })
    .map(value => value.toISOString().slice(0, 10)),
  fc.constantFrom(
    '2024-02-29',
    '2023-02-29',
    '1900-02-29',
    '2000-02-29',
    '2024-1-2',
    '2024/01/02',
    '2024-01-02 ',
    'infinity',
  ),
)
const time = fc
  .tuple(
    two,
    two,
    two,
    fc.oneof(
      fc.constant(''),
      fc.constant('.'),
      digits(1, 8).map(found => `.${found}`),
    ),
  )
  .map(([hour, minute, second, fraction]) => `${hour}:${minute}:${second}${fraction}`)
const timestamp = fc.oneof(
  fc
    .tuple(date, fc.constantFrom(' ', 'T', 't', '  '), time, fc.constantFrom('', '', 'Z', '+01', ' UTC'))
    .map(parts => parts.join('')),
  date,
  fc.constantFrom('2024-01-31 23:59', '2024-01-31 24:00:00', '2024-01-31 23:59:60', '2024-01-31T00:00:00.000001'),
)
const boolean = fc.constantFrom(
  'true',
  'false',
  'TRUE',
  'False',
  'tRuE',
  't',
  'f',
  '0',
  '1',
  'yes',
  'no',
  'truE ',
  'falsy',
  'tru',
)
const word = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', '\t', "'", '\\', 'x'), maxLength: 60 }),
  fc.constantFrom('', 'NA', 'null', '\ufeff', '\u00a0', '\u0001'),
)
const inQuotes = fc
  .string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', 'é', '5'), maxLength: 60 })
  .map(text => `"${text.replaceAll('"', '""')}"`)

const plainInteger = fc.integer({ min: -128, max: 127 }).map(String)
const plainNatural = fc.nat(255).map(String)
const plainNumber = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(1, 3),
    fc.oneof(
      fc.constant(''),
      digits(1, 3).map(found => `.${found}`),
    ),
  )
  .map(parts => parts.join(''))
const plainDate = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map(value => value.toISOString().slice(0, 10))
const plainTime = fc
  .tuple(fc.nat(86_399_999), fc.boolean())
  .map(([value, isExact]) => new Date(value).toISOString().slice(11, isExact ? 23 : 19))
const plainTimestamp = fc.oneof(
  fc.tuple(plainDate, fc.constantFrom(' ', 'T'), plainTime).map(parts => parts.join('')),
  plainDate,
)

/** Columns with the texts that are plain, and any others. */
const kinds: readonly (readonly [ColumnDefinition, fc.Arbitrary<string>, fc.Arbitrary<string>])[] = [
  ...(['int8', 'int16', 'int32', 'int64', 'float32', 'float64'] as const).map(
    type => [column[type](), plainInteger, number] as const,
  ),
  ...(['uint8', 'uint16', 'uint32', 'uint64'] as const).map(type => [column[type](), plainNatural, number] as const),
  [column.float64(), plainNumber, number],
  [column.float64(), digits(1, 15), number],
  [column.decimal(6, 3), plainNumber, number],
  [column.decimal(18, 0), digits(1, 18), number],
  [column.decimal(18, 18), digits(1, 18).map(found => `0.${found}`), number],
  [column.decimal(30, 5), plainNumber, number],
  [column.date(), plainDate, date],
  [column.timestamp(), plainTimestamp, timestamp],
  [column.timestamptz(), plainTimestamp, timestamp],
  [column.time(), plainTime, time],
  [column.boolean(), fc.constantFrom('true', 'false', 'TRUE', 'False'), boolean],
  [column.string(), word, word],
  [column.string({ trim: true }), word, word],
  [column.int64({ required: true }), plainInteger, number],
  [column.string({ required: true }), word, word],
  [column.int32({ nullValues: ['5'] }), plainInteger, number],
  [column.date({ format: '%Y/%m/%d' }), plainDate.map(found => found.replaceAll('-', '/')), date],
]

/** A column with fields of it, many of which are all written plainly. */
const fields = fc
  .tuple(fc.constantFrom(...kinds), fc.constantFrom(0, 0, 0, 1))
  .chain(([[definition, plain, wild], oddity]) =>
    fc.tuple(
      fc.constant(definition),
      fc.array(
        fc.oneof(
          { arbitrary: plain, weight: 8 },
          { arbitrary: plain.map(found => `"${found}"`), weight: 1 },
          { arbitrary: fc.constant(''), weight: 1 },
          { arbitrary: wild, weight: 4 * oddity },
          { arbitrary: wild.map(found => `"${found}"`), weight: oddity },
          { arbitrary: fc.constantFrom('""', 'NA'), weight: oddity },
          { arbitrary: inQuotes, weight: definition.type === 'string' ? 4 : oddity },
        ),
        { minLength: 1, maxLength: 3 },
      ),
    ),
  )

describe('CSV that is parsed while it is staged', () => {
  it('has the rows that the engine reads, whatever is written', async () => {
    let [parsed, values] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        fc.array(fields, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('\n', '\n', '\r\n'),
        fc.constantFrom<readonly string[]>([''], [''], [], ['', 'NA']),
        fc.boolean(),
        fc.constantFrom('', '', '', '', '', '\n', '\r\n', '"', ',x', '\0', '\r'),
        async (given, newline, nullValues, strict, added) => {
          const columns = Object.fromEntries(given.map(([definition], index) => [`c${index}`, definition]))
          const count = Math.max(...given.map(([, texts]) => texts.length))
          const records = Array.from({ length: count }, (_, row) =>
            given.map(([, texts]) => texts[row % texts.length]).join(),
          )
          const text = `${[Object.keys(columns).join(), ...records].join(newline)}${added}${newline}`
          const read = await readBoth([text], { columns, format: csv({ nullValues: [...nullValues] }), strict })
          if (read.engine.rows !== 'misfits') expect(read.parsed.rows).toEqual(read.engine.rows)
          else expect(read.parsed.rows).toBe('misfits')
          const kindsFound = read.parsed.files.flatMap(file => file.parsed ?? [])
          parsed += read.parsed.rows !== 'misfits' && kindsFound.length > 0 ? 1 : 0
          values += read.parsed.rows === 'misfits' ? 0 : kindsFound.filter(kind => kind && kind.kind !== 'text').length
        },
      ),
      { numRuns: 400 },
    )
    expect(parsed).toBeGreaterThan(80)
    expect(values).toBeGreaterThan(60)
  })

  it('has the values of fields whose quote may stand in them', async () => {
    const columns = { x: column.int32() }
    const read = await readBoth(['x\n51555\n'], { columns, format: csv({ quote: '5' }), strict: true })
    expect(read.parsed.rows).toEqual([{ x: '15' }])
    expect(read.engine.rows).toEqual([{ x: '15' }])
  })

  it('has its rows in the same order where texts with another header stand between them', async () => {
    const columns = { x: column.int32(), y: column.string() }
    const read = await readBoth(['x,y\n1,a\n', 'y,x\nb,2\n', 'x,y\n3, "c"\n'], { columns, strict: true })
    expect(read.parsed.files.map(file => file.parsed !== undefined)).toEqual([true, true, false])
    expect(read.parsed.rows).toEqual(read.engine.rows)
  })
})
