import { describe, expect, it } from 'vitest'
import type { ColumnDefinition } from '../../lib/define/definition.ts'
import { column } from '../../lib/define/index.ts'
import { readTexts } from './reading.ts'

interface Case {
  readonly name: string
  readonly column: ColumnDefinition
  readonly strict?: boolean
  /** Fields as they stand in the file, and the value that they are read as. */
  readonly accepts: Readonly<Record<string, string | null>>
  readonly refuses?: readonly string[]
  readonly expected?: string
}

const noInteger = ['1.5', '1.0', '0x10', '0b1', '1_000', ' 12', '12 ', '1e3', '""', 'NaN', '--1', '1.', '.5', 'true', '٣', '-', '12a', '"1,5"']
const dates = ['2001-02-30', '2001-13-01', '2001/02/03', '20010203', '2001-02', 'infinity', '-infinity', 'epoch', 'today', 'now', 'garbage', ' 2001-02-03', '2001-02-03 ', '2001-2-3 5', '2001-2-03x', '""']

const cases: readonly Case[] = [
  { name: 'bool', column: column.bool(), accepts: { true: 'true', FALSE: 'false', t: 'true', 0: 'false', yes: 'true', '': null }, refuses: ['2', 'on', ' true', '""'], expected: 'bool' },
  { name: 'int8', column: column.int8(), accepts: { 127: '127', '-128': '-128', '+5': '5', '007': '7', '"1"': '1', '-0': '0', '': null }, refuses: ['128', '-129', ...noInteger], expected: 'int8' },
  { name: 'int16', column: column.int16(), accepts: { 32767: '32767' }, refuses: ['32768', ...noInteger], expected: 'int16' },
  { name: 'int32', column: column.int32(), accepts: { '-2147483648': '-2147483648' }, refuses: ['2147483648', ...noInteger], expected: 'int32' },
  { name: 'int64', column: column.int64(), accepts: { '9223372036854775807': '9223372036854775807' }, refuses: ['9223372036854775808', ...noInteger], expected: 'int64' },
  { name: 'uint8', column: column.uint8(), accepts: { 255: '255' }, refuses: ['256', '-1', ...noInteger], expected: 'uint8' },
  { name: 'uint16', column: column.uint16(), accepts: { 65535: '65535' }, refuses: ['65536', '-1', ...noInteger], expected: 'uint16' },
  { name: 'uint32', column: column.uint32(), accepts: { 4294967295: '4294967295' }, refuses: ['4294967296', '-1', ...noInteger], expected: 'uint32' },
  { name: 'uint64', column: column.uint64(), accepts: { '18446744073709551615': '18446744073709551615' }, refuses: ['18446744073709551616', '-1', ...noInteger], expected: 'uint64' },
  { name: 'float32', column: column.float32(), accepts: { '1.5': '1.5', '1e3': '1000.0', '-.5': '-0.5', NaN: 'nan', inf: 'inf', '-Infinity': '-inf', '': null }, refuses: ['1e39', '1_0', '0x10', ' 1', '""', '1.5.5', `${'9'.repeat(60)}`], expected: 'float32' },
  { name: 'float64', column: column.float64(), accepts: { '1e300': '1e+300', '0.1': '0.1', '1.': '1.0' }, refuses: ['1e400', '1_0.5', '1.5 ', 'one', '.', '-'], expected: 'float64' },
  { name: 'decimal', column: column.decimal(10, 2), accepts: { '1': '1.00', '-1.5': '-1.50', '0.1000': '0.10', '12345678.12': '12345678.12', '.5': '0.50', '': null }, refuses: ['1.005', '123456789', '1e3', '1_0', ' 1', 'NaN', '.', '""'], expected: 'decimal(10, 2)' },
  { name: 'wide decimal', column: column.decimal(38, 10), accepts: { '1234567890123456789012345678.0123456789': '1234567890123456789012345678.0123456789' }, refuses: ['0.01234567891'], expected: 'decimal(38, 10)' },
  { name: 'string', column: column.string(), accepts: { a: 'a', ' a ': ' a ', '': null, '""': '', '"a,""b"""': 'a,"b"', '"two\nlines"': 'two\nlines', 'é€😀': 'é€😀', NULL: 'NULL' } },
  { name: 'date', column: column.date(), accepts: { '2001-02-03': '2001-02-03', '2001-2-3': '2001-02-03', '2000-02-29': '2000-02-29', '': null }, refuses: ['1900-02-29', '2001-02-03 04:05:06', '2001-02-03T04:05:06Z', ...dates], expected: 'date' },
  { name: 'time', column: column.time(), accepts: { '23:59:59': '23:59:59', '4:05': '04:05:00', '04:05:06.123456': '04:05:06.123456', '04:05:06.1000000': '04:05:06.1' }, refuses: ['24:00:00', '23:59:60', '04:05:06+02', '04:05:06.1234567', '12:00 PM', '1:2:3', '2001-02-03', '""'], expected: 'time' },
  {
    name: 'timestamp',
    column: column.timestamp(),
    accepts: { '2001-02-03 04:05:06': '2001-02-03 04:05:06', '2001-02-03T04:05:06.123': '2001-02-03 04:05:06.123', '2001-02-03': '2001-02-03 00:00:00', '2001-02-03 04:05': '2001-02-03 04:05:00', '2001-02-03 24:00:00': '2001-02-04 00:00:00' },
    refuses: [
      ...['Z', '+02', '+02:00', ' UTC', ' Europe/Berlin', '.1234567', '.'].map(end => `2001-02-03 04:05:06${end}`),
      ...['2001-02-03 04:05:5Z', '2001-2-3 04:05+1:30', '2001-02-03 25:00:00', '2001-02-30 00:00:00', '2001/02/03 04:05:06', '2001-02-0304:05:06', '2001-02-03T', ...dates],
    ],
    expected: 'timestamp',
  },
  {
    name: 'timestamptz',
    column: column.timestamptz(),
    accepts: { '2001-02-03T04:05:06Z': '2001-02-03 04:05:06+00', '2001-02-03 04:05:06+02:30': '2001-02-03 01:35:06+00', '2001-02-03 04:05:06-02': '2001-02-03 06:05:06+00', '2001-02-03 04:05:06 UTC': '2001-02-03 04:05:06+00', '2001-02-03 04:05:06': '2001-02-03 04:05:06+00' },
    refuses: ['2001-02-03 04:05:06 Europe/Berlin', '2001-02-03 04:05:06.1234567Z', '2001-02-03 04:05:06+25x', '2001-02-30 04:05:06Z', ...dates],
    expected: 'timestamptz',
  },
  {
    name: 'json',
    column: column.json(),
    accepts: { '"{""a"": [1, 2.50, null]}"': '{"a": [1, 2.50, null]}', 1: '1', '"""x"""': '"x"', '"{""a"":""nan, ]""}"': '{"a":"nan, ]"}', '': null },
    refuses: ['nul', "{'a':1}", '"{""a"":NaN}"', '"[1,]"', '"{} x"', '"[1,2"', '""', '"{""a"":1"'],
    expected: 'json',
  },
  { name: 'list of int32', column: column.list(column.int32()), accepts: { '"[1,2]"': '[1, 2]', '[]': '[]', '"[1,null]"': '[1, NULL]', '': null }, refuses: ['[1.5]', '["a"]'.replaceAll('"', '""').replace(/^.*$/, '"$&"'), '[true]', '[99999999999]', '[[1]]', '1', '{}', '[1', 'x', '"[1,]"', '"[""0x10""]"'], expected: 'list of int32' },
  { name: 'list of decimals', column: column.list(column.decimal(5, 1)), accepts: { '"[1, ""2.5""]"': '[1.0, 2.5]' }, refuses: ['[1.25]', '[99999]'], expected: 'list of decimal' },
  { name: 'list of dates', column: column.list(column.date()), accepts: { '"[""2001-02-03""]"': '[2001-02-03]' }, refuses: ['"[""2001-02-30""]"', '[1]'], expected: 'list of date' },
  { name: 'list of lists', column: column.list(column.list(column.int32())), accepts: { '"[[1,2],[],null]"': '[[1, 2], [], NULL]' }, refuses: ['[1]', '[[1.5]]'], expected: 'list of list' },
  { name: 'list of strings', column: column.list(column.string()), accepts: { '"[""a"", ""b,c""]"': "[a, 'b,c']" }, refuses: ['"a"', '{}'], expected: 'list of string' },
  { name: 'required int32', column: column.int32({ required: true }), accepts: { 1: '1' }, refuses: ['', 'x'], expected: 'required int32' },
  { name: 'required string', column: column.string({ required: true }), accepts: { a: 'a', '""': '' }, refuses: [''], expected: 'required string' },
  { name: 'int32 with null texts', column: column.int32({ nullValues: ['NA', '-'] }), accepts: { NA: null, '-': null, '"NA"': null, '': null, 1: '1' }, refuses: ['na', '""'], expected: 'int32' },
  { name: 'required int32 with null texts', column: column.int32({ required: true, nullValues: ['NA'] }), accepts: { 1: '1' }, refuses: ['NA'], expected: 'required int32' },
  { name: 'date with a format', column: column.date({ format: '%d/%m/%Y' }), accepts: { '03/02/2001': '2001-02-03', '': null }, refuses: ['30/02/2001', '2001-02-03', '03/02/2001x', '""'], expected: 'date as %d/%m/%Y' },
  { name: 'timestamp with a format', column: column.timestamp({ format: '%m/%d/%y %I:%M %p' }), accepts: { '02/03/01 04:05 PM': '2001-02-03 16:05:00' }, refuses: ['02/03/01 16:05 XM', '02/03/01'], expected: 'timestamp as %m/%d/%y %I:%M %p' },
  { name: 'time with a format', column: column.time({ format: '%H%M' }), accepts: { '0405': '04:05:00' }, refuses: ['2500', '04:05'], expected: 'time as %H%M' },
  { name: 'required date with a format', column: column.date({ required: true, format: '%Y%m%d' }), accepts: { '20010203': '2001-02-03' }, refuses: ['', '2001'], expected: 'required date as %Y%m%d' },
  { name: 'lenient int32', column: column.int32(), strict: false, accepts: { '1.5': '2', '0x10': '16', '1_000': '1000', ' 12': '12', '1e3': '1000' }, refuses: ['x', '""', '2147483648'], expected: 'int32' },
  { name: 'lenient decimal', column: column.decimal(10, 2), strict: false, accepts: { '1.005': '1.01', '1e3': '1000.00' }, refuses: ['x'], expected: 'decimal(10, 2)' },
  { name: 'lenient timestamp', column: column.timestamp(), strict: false, accepts: { '2001-02-03 04:05:06+02': '2001-02-03 04:05:06' }, refuses: ['garbage'], expected: 'timestamp' },
  { name: 'lenient timestamptz', column: column.timestamptz(), strict: false, accepts: { '2001-02-03 04:05:06': '2001-02-03 04:05:06+00' }, refuses: ['garbage', '2001-02-03 04:05:06 Europe/Berlin'], expected: 'timestamptz' },
  { name: 'lenient list', column: column.list(column.int32()), strict: false, accepts: { '[1.5]': '[2]' }, refuses: ['"[""a""]"'], expected: 'list of int32' },
]

describe.each(cases)('a column of $name', ({ column: type, strict = true, accepts, refuses = [], expected }) => {
  it('reads what fits exactly and rejects the rest, fast and carefully alike', async () => {
    const texts = [...Object.keys(accepts), ...refuses]
    const reads = await readTexts(type, texts, { strict })
    const values = Object.fromEntries(texts.map((text, index) => [text, reads[index]]))
    const rejected = Object.fromEntries(refuses.map(text => [text, { expected, received: receivedOf(text) }]))
    expect(values).toEqual({ ...Object.fromEntries(Object.entries(accepts).map(([text, value]) => [text, { value }])), ...rejected })
  })
})

/** What a reject shows of a field: its text without the quotes, `null` for none. */
function receivedOf(text: string): string {
  if (text === '') return 'null'
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text
}

it('reads a text without zone as UTC, whatever zone a text before it names', async () => {
  const reads = await readTexts(column.timestamptz(), ['2001-02-03 04:05:06 Asia/Tokyo', '2001-02-03 04:05:06'], { strict: false })
  expect(reads[1]).toEqual({ value: '2001-02-03 04:05:06+00' })
})
