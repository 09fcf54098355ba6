import { describe, expect, it } from 'vitest'
import { ambiguousFormats } from '../../lib/define/columns/time-format.ts'
import { column, param } from '../../lib/define/index.ts'

it('makes every type of column, as frozen data', () => {
  const { decimal, list, struct, ...scalars } = column
  for (const [type, build] of Object.entries(scalars as unknown as Record<string, () => unknown>)) {
    expect(build()).toEqual({ kind: 'column', type, required: false })
    expect(Object.isFrozen(build())).toBe(true)
  }
  expect(decimal(10, 2, { required: true })).toEqual({
    kind: 'column',
    type: 'decimal',
    precision: 10,
    scale: 2,
    required: true,
  })
  expect(list(column.int32()).items).toEqual(column.int32())
  expect(struct({ a: column.int32() }).fields).toEqual({ a: column.int32() })
})

it('keeps the options of columns', () => {
  const options = { required: true, format: '%d/%m/%Y', nullValues: ['NA'], doc: 'the day flown' } as const
  expect(column.date(options)).toEqual({ kind: 'column', type: 'date', ...options })
})

it.each([
  ['%d/%m/%Y', '%m/%d/%Y', true],
  ['%d/%m/%Y', '%d/%m/%y', false],
  ['%d/%m/%y', '%y/%m/%d', true],
  ['%d/%m/%Y', '%Y/%m/%d', false],
  ['%d/%m/%Y', '%d.%m.%Y', false],
  ['%d%m%Y', '%Y%m%d', true],
  ['%Y%m%d', '%y%m%d', false],
  ['%m/%d/%Y', '%-m/%-d/%Y', false],
  ['%d %b %Y', '%d %B %Y', false],
  ['%d-%b-%y', '%d-%m-%y', false],
  ['%H:%M', '%M:%S', true],
  ['%d/%m/%Y', '%d/%m/%Y', true],
  ['%d/%m/%Y', '%m/%d/%Y %H:%M', false],
])('knows whether %s and %s may read one text differently', (first, second, isAmbiguous) => {
  expect(ambiguousFormats([first, second]) !== undefined).toBe(isAmbiguous)
})

it('accepts every specifier of times that the engine knows', () => {
  const format = '%a%b%c%d%f%g%h%j%m%n%p%u%w%x%y%z%A%B%G%H%I%M%S%T%U%V%W%X%Y%Z%%%-d%-j%-m%-y%-H%-I%-M%-S'
  expect(column.timestamp({ format }).format).toBe(format)
})

it.each<[string, () => unknown, string]>([
  [
    'a scale over the precision',
    () => column.decimal(3, 5),
    'column.decimal: scale: expected a whole number from 0 to',
  ],
  [
    'too much precision',
    () => column.decimal(39, 2),
    'column.decimal: precision: expected a whole number from 1 to 38',
  ],
  ['items that are no column', () => column.list('int' as never), 'column.list: items: expected a column such as'],
  [
    'a misspelt option',
    () => column.int32({ requird: true } as never),
    'column.int32: requird: unknown option, did you mean required',
  ],
  [
    'a format where there is none',
    () => column.int32({ format: '%d' } as never),
    'column.int32: format: unknown option',
  ],
  [
    'a format that no time is read by',
    () => column.date({ format: '%Y-%Q' }),
    'column.date: format: expected a strptime format of the specifiers %Y',
  ],
  [
    'a format that ends in the middle',
    () => column.time({ format: '%H:%' }),
    'column.time: format: expected a strptime',
  ],
  [
    'a format of another language',
    () => column.timestamp({ format: 'YYYY-MM-DD' }),
    'column.timestamp: format: expected a strptime format such as %d/%m/%Y, got "YYYY-MM-DD"',
  ],
  [
    'an option of another type',
    () => column.date({ required: 'yes' as never }),
    'column.date: required: expected true or false, got "yes"',
  ],
  [
    'a null value that is no text',
    () => column.string({ nullValues: [0 as never] }),
    'nullValues.0: expected a string',
  ],
  [
    'formats that read one text differently',
    () => column.date({ format: ['%d/%m/%Y', '%m/%d/%Y'] }),
    'column.date: format: expected formats that never read one text differently, got %d/%m/%Y and %m/%d/%Y',
  ],
  [
    'a wrong one of several formats',
    () => column.date({ format: ['%d', 'DD'] }),
    'format.1: expected a strptime format such as',
  ],
  ['no format', () => column.date({ format: [] }), 'column.date: format: expected'],
  [
    'equal separators',
    () => column.decimal(9, 2, { thousandsSeparator: '.' }),
    'column.decimal: thousandsSeparator: expected another character than the decimal separator, got .',
  ],
  [
    'a digit as a separator',
    () => column.float64({ decimalSeparator: '0' }),
    'decimalSeparator: expected one character',
  ],
  [
    'a fraction of a whole number',
    () => column.int32({ decimalSeparator: ',' } as never),
    'column.int32: decimalSeparator: unknown option, did you mean column.decimal or column.float64',
  ],
  [
    'a percentage of money',
    () => column.float64({ percent: true, currency: '$' }),
    'percent: expected a percentage or a currency',
  ],
  [
    'a duration with separators',
    () => column.int64({ duration: 'seconds', thousandsSeparator: ',' }),
    'duration: expected no options of written numbers',
  ],
  [
    'words of true alone',
    () => column.boolean({ true: ['x'] }),
    'column.boolean: false: expected the words of true and of false',
  ],
  [
    'a word of both',
    () => column.boolean({ true: ['x'], false: ['x'] }),
    'true: expected other words than those of false, got x',
  ],
  [
    'a name twice',
    () => column.string({ from: ['a', 'a'] }),
    'column.string: from: expected different names, got a twice',
  ],
])('refuses %s', (_, build, message) => {
  expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', name: 'PermanentError' }))
  expect(build).toThrow(message)
})

it('makes every type of parameter, as frozen data', () => {
  const { enumeration, ...types } = param
  for (const [type, build] of Object.entries(types as unknown as Record<string, () => unknown>))
    expect(build()).toEqual({ kind: 'param', type })
  expect(enumeration(['day', 'hour'], { default: 'day' })).toEqual({
    kind: 'param',
    type: 'enumeration',
    values: ['day', 'hour'],
    default: 'day',
  })
})

it('keeps defaults in their normal form', () => {
  expect(param.timestamp({ default: '2024-01-31T12:00+01:00' }).default).toBe('2024-01-31T11:00:00Z')
})

it.each<[string, () => unknown, string]>([
  [
    'a default that is none of its values',
    () => param.month({ default: '2024-13' }),
    'default: expected a month YYYY-MM',
  ],
  [
    'a default that its validate refuses',
    () => param.integer({ default: 3, validate: value => value > 5 || 'more than 5' }),
    'param.integer: default: expected more than 5, got 3',
  ],
  ['an enumeration of nothing', () => param.enumeration([]), 'param.enumeration: values: expected at least one word'],
  ['a word twice', () => param.enumeration(['a', 'a']), 'expected words that differ, got ["a","a"]'],
  ['a misspelt option', () => param.string({ defautl: 'x' } as never), 'unknown option, did you mean default'],
])('refuses a parameter with %s', (_, build, message) => {
  expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  expect(build).toThrow(message)
})

describe('a type that does not exist', () => {
  it.each([
    ['column', 'int', 'did you mean int32 or int64'],
    ['column', 'bool', 'did you mean boolean'],
    ['column', 'tmestamp', 'did you mean timestamp'],
    ['param', 'enum', 'did you mean enumeration'],
    ['param', 'int', 'did you mean integer'],
    ['param', 'float', 'did you mean float64'],
  ] as const)('%s.%s names the nearest', (subject, name, advice) => {
    const builders = { column, param }[subject] as unknown as Record<string, () => unknown>
    expect(() => builders[name]?.()).toThrow(
      expect.objectContaining({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining(`got ${name}, ${advice}`),
      }),
    )
  })
})
