import { expect, it } from 'vitest'
import { csv, jsonLines, lines, parquetFiles } from '../../lib/define/index.ts'

it('reads commas, double quotes and a header by default', () => {
  expect(csv()).toEqual({
    kind: 'csv',
    delimiter: ',',
    quote: '"',
    escape: '"',
    header: true,
    nullValues: [''],
    skip: 0,
    encoding: 'utf-8',
  })
})

it('escapes with the quote by default', () => {
  expect(csv({ quote: "'" }).escape).toBe("'")
  expect(csv({ escape: '\\' })).toMatchObject({ quote: '"', escape: '\\' })
  expect(csv({ quote: '' }).escape).toBe('')
})

it('takes null texts that are apart from its marks, and the one that MySQL writes without quotes', () => {
  expect(csv({ nullValues: ['', '\\N', "'"] }).nullValues).toEqual(['', '\\N', "'"])
  expect(csv({ quote: '', escape: '\\' }).nullValues).toEqual(['\\N'])
  expect(csv({ escape: '', nullValues: ['NA'] }).nullValues).toEqual(['NA'])
})

it('reads latin-1 as windows-1252, as browsers do', () => {
  expect(csv({ encoding: 'latin-1' })).toEqual(csv({ encoding: 'windows-1252' }))
  expect(jsonLines({ encoding: 'latin-1' })).toEqual({ kind: 'jsonLines', encoding: 'windows-1252' })
  expect(lines({ pattern: '(?<a>.*)', encoding: 'windows-1252' }).encoding).toBe('windows-1252')
  expect(jsonLines({ encoding: 'utf-8' })).toEqual(jsonLines())
  expect(csv({ encoding: 'latin-1' }).with({ skip: 1 }).encoding).toBe('windows-1252')
})

it('changes options of a shared format without changing the format', () => {
  const shared = csv({ delimiter: ';', quote: "'" })
  expect(shared.with({ skip: 2 })).toMatchObject({ delimiter: ';', quote: "'", escape: "'", skip: 2 })
  expect(shared.skip).toBe(0)
  expect(JSON.parse(JSON.stringify(shared))).toEqual({ ...shared })
})

it.each<[string, () => unknown, string]>([
  ['a delimiter of five bytes', () => csv({ delimiter: '12345' }), 'csv: delimiter: expected one to four bytes'],
  ['a delimiter over lines', () => csv({ delimiter: '\n' }), 'expected one to four bytes, got "\\n"'],
  ['a quote of two characters', () => csv({ quote: '""' }), 'csv: quote: expected one ASCII character'],
  [
    'the quote as delimiter',
    () => csv({ delimiter: '"' }),
    'csv: delimiter: expected a delimiter that is not the quote, got "\\""',
  ],
  [
    'the delimiter as comment',
    () => csv({ comment: ',' }),
    'csv: comment: expected a comment that does not begin with the delimiter, got ","',
  ],
  [
    'the quote as comment',
    () => csv({ quote: '#', comment: '#' }),
    'csv: comment: expected a comment without the quote',
  ],
  [
    'an escape without a quote and with a delimiter of two characters',
    () => csv({ quote: '', escape: '\\', delimiter: '||' }),
    'csv: escape: expected a delimiter of one other character',
  ],
  [
    'null texts with the escape, which the engine cannot tell from an escaped text',
    () => csv({ escape: '\\', nullValues: ['', '\\N'] }),
    'csv: nullValues: expected texts without ",", "\\"", "\\\\" (nullValues of a column also find them, in quotes too), got "\\\\N"',
  ],
  ['null texts with the delimiter', () => csv({ quote: '', delimiter: '-', nullValues: ['-'] }), 'texts without "-" ('],
  ['null texts with the quote', () => csv({ nullValues: ['""'] }), 'csv: nullValues: expected texts without'],
  [
    'an unknown encoding',
    () => csv({ encoding: 'utf-32' as never }),
    'encoding: expected one of utf-8, windows-1252, latin-1',
  ],
  ['lines to skip that are no count', () => csv({ skip: -1 }), 'csv: skip: expected a whole number from 0 up, got -1'],
  [
    'a misspelt option',
    () => csv({ delimeter: ';' } as never),
    'csv: delimeter: unknown option, did you mean delimiter',
  ],
  ['options where there are none', () => jsonLines({ a: 1 } as never), 'jsonLines: a: unknown option'],
  ['options of Parquet files', () => parquetFiles({ a: 1 } as never), 'parquetFiles: a: unknown option'],
])('refuses %s', (_, build, message) => {
  expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  expect(build).toThrow(message)
})

it('writes the named groups of a line pattern in RE2 syntax', () => {
  expect(lines({ pattern: '(?<level>[A-Z]+) (?P<text>.*)' }).pattern).toBe('(?P<level>[A-Z]+) (?P<text>.*)')
  expect(lines({ pattern: /(?<day>\d+)\/(?<rest>.*)/i }).pattern).toBe('(?i)(?P<day>\\d+)\\/(?P<rest>.*)')
  expect(lines({ pattern: '(?i)(?<a>x)' }).pattern).toBe('(?i)(?P<a>x)')
  expect(lines({ pattern: '\\((?<a>[(\\])]+)(?:b|c)\\)' }).pattern).toBe('\\((?P<a>[(\\])]+)(?:b|c)\\)')
})

it.each([
  ['no group', 'a+', 'expected named groups such as (?<level>[A-Z]+), got none in a+'],
  ['a group without a name', '(?<a>x)(y)', 'expected every group to have a name, or to be (?:…), got group 2 without'],
  ['a look-ahead', '(?<a>x)(?=y)', 'expected RE2 syntax, got (?=, which RE2 does not know'],
  ['a look-behind', '(?<!z)(?<a>x)', 'expected RE2 syntax, got (?<!'],
  ['a back-reference', '(?<a>x)\\1', 'expected RE2 syntax, got \\1'],
  ['no regular expression', '(?<a>x', 'expected a regular expression, got Invalid regular expression'],
  ['a name twice', '(?<a>x)(?<A>y)', 'expected group names that differ in more than case, got a, A'],
])('refuses a line pattern with %s', (_, pattern, message) => {
  expect(() => lines({ pattern })).toThrow(message)
})
