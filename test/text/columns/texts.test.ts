import { describe, expect, it } from 'vitest'
import { csv } from '../../../lib/define/index.ts'
import { ColumnParser } from '../../../lib/text/columns/column-parser.ts'
import type { FieldKind } from '../../../lib/text/columns/field-kind.ts'
import { dialectOf } from '../../../lib/text/records/dialect.ts'
import { fieldAs, left, parse } from './parsing.ts'

const int8: FieldKind = { kind: 'int64', least: -128n, most: 127n }

describe('a text', () => {
  it.each([
    ['abc', 'abc'],
    ['""', ''],
    ['', null],
    [' a ', ' a '],
    ['"a,b"', 'a,b'],
    ['"a\nb"', 'a\nb'],
    ['"a\r\nb"', 'a\r\nb'],
    ['"\r"', '\r'],
    ['""""', '"'],
    ['"a""b"', 'a"b'],
    ['""""""', '""'],
    [`"${'x'.repeat(15)}""${'y'.repeat(15)}"`, `${'x'.repeat(15)}"${'y'.repeat(15)}`],
    [`"${'x'.repeat(14)}""y"`, `${'x'.repeat(14)}"y`],
    [`"${'x'.repeat(16)}""y"`, `${'x'.repeat(16)}"y`],
    [`"${'""x'.repeat(70)}"`, '"x'.repeat(70)],
    [`"${'""'.repeat(70)}"`, '"'.repeat(70)],
    [`"${',\n'.repeat(70)}"`, ',\n'.repeat(70)],
    ['x'.repeat(200), 'x'.repeat(200)],
    ['é😀€', 'é😀€'],
    ["'a'", "'a'"],
    ['a"', left],
    ['a"b', left],
    ['"a"b', left],
    ['"a" ', left],
    [' "a"', left],
    ['"a""', left],
    ['a\rb', left],
    ['\r', left],
    ['"a"\r', left],
    ['\0', left],
    ['"\0"', left],
  ])('%j is %j', (field, value) => {
    expect(fieldAs(field, { kind: 'text' })).toBe(value)
  })

  it('is left to the engine where it is not UTF-8, also in a column that is not read', () => {
    expect(parse(Buffer.from([0x61, 0x2c, 0xff, 0x0a]), [{ kind: 'text' }, { kind: 'text' }])).toBe(left)
    const fields = [{ kind: 'text' } as const, undefined]
    const parser = new ColumnParser({ dialect: dialectOf(csv()), newline: 'lf', nulls: [''], fields })
    expect(parser.parse(Buffer.from([0x61, 0x2c, 0xed, 0xa0, 0x80, 0x0a]))).toEqual({ kind: 'irregular' })
  })

  it('is as it stands where nothing quotes', () => {
    expect(parse('"a",b"\n', [{ kind: 'text' }, { kind: 'text' }], { quote: '' })).toEqual([['"a"'], ['b"']])
  })
})

describe('null', () => {
  const nulls = ['', 'NA', 'x'.repeat(31), 'é', 'NAN', '5', '-', 'nil']
  it.each<[string, string | null]>([
    ...nulls.map((text): [string, null] => [text, null]),
    ['"NA"', 'NA'],
    ['""', ''],
    ['N', 'N'],
    ['NB', 'NB'],
    ['BA', 'BA'],
    ['NANA', 'NANA'],
    ['x'.repeat(30), 'x'.repeat(30)],
    ['x'.repeat(32), 'x'.repeat(32)],
    [`${'x'.repeat(30)}y`, `${'x'.repeat(30)}y`],
    ['x'.repeat(33), 'x'.repeat(33)],
    ['x'.repeat(34), 'x'.repeat(34)],
  ])('of eight texts: %j is %j', (field, value) => {
    expect(fieldAs(field, { kind: 'text' }, { nulls })).toBe(value)
  })

  it('is none where no text means it', () => {
    expect(fieldAs('', { kind: 'text' }, { nulls: [] })).toBe('')
    expect(fieldAs('', int8, { nulls: [] })).toBe(left)
  })

  it('is left to the engine in a column that requires values', () => {
    const required = { ...int8, isRequired: true }
    expect(parse('1,a\n2,\n', [required, { kind: 'text' }])).toEqual([
      ['1', '2'],
      ['a', null],
    ])
    expect(parse('1,a\n,b\n', [required, { kind: 'text' }])).toBe(left)
  })

  it('stands between values of each kind', () => {
    const text: FieldKind = { kind: 'text' }
    expect(parse(',a\n1,\n,\n2,b\n', [int8, text])).toEqual([
      [null, '1', null, '2'],
      ['a', null, null, 'b'],
    ])
    expect(parse('\n1\n', [int8])).toEqual([[null, '1']])
  })
})
