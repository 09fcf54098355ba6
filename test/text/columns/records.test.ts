import { describe, expect, it } from 'vitest'
import { csv } from '../../../lib/define/index.ts'
import { ColumnParser } from '../../../lib/text/columns/column-parser.ts'
import type { FieldKind } from '../../../lib/text/columns/field-kind.ts'
import { dialectOf } from '../../../lib/text/records/dialect.ts'
import { left, parse } from './parsing.ts'

const int8: FieldKind = { kind: 'int64', least: -128n, most: 127n }

describe('records', () => {
  const two: readonly FieldKind[] = [{ kind: 'text' }, { kind: 'text' }]
  const rows = [
    ['a', 'c'],
    ['b', 'd'],
  ]

  it.each<[string, (readonly (string | null)[])[]?]>([
    ['a,b\nc,d\n'],
    ['a,b\nc,d'],
    ['\na,b\nc,d\n'],
    ['a,b\n\nc,d\n'],
    ['a,b\n\n\nc,d\n\n\n'],
    ['"a","b"\n\n"c","d"'],
    [
      'a,\n\n\n"c",""\n',
      [
        ['a', 'c'],
        [null, ''],
      ],
    ],
    [
      '\n\n,\n\n,d\n',
      [
        [null, null],
        [null, 'd'],
      ],
    ],
  ])('%j has two, also with \\r\\n, wherever they stand in a block', (text, columns = rows) => {
    for (let before = 0; before < 70; before++) {
      const padding = `${'x'.repeat(before)},y\n`
      const expected = columns.map((column, index) => [index === 0 ? 'x'.repeat(before) || null : 'y', ...column])
      expect(parse(padding + text, two)).toEqual(expected)
      expect(parse((padding + text).replaceAll('\n', '\r\n'), two, { newline: 'crlf' })).toEqual(expected)
    }
  })

  it.each([
    'a,b\nc\n',
    'a,b\nc,d,e\n',
    'a,b,c\nd\n',
    'a\nb,c,d\n',
    'a,b\nc',
    'a,b\n"c,d\n',
    'a,b\n"c,d',
    'a,b\r\nc,d\n',
    'a,b\nc,d\r',
    'a,b\n""\n',
    'a,b\n \n',
    'a\nb\n',
  ])('%j are left to the engine', text => {
    expect(parse(text, two)).toBe(left)
  })

  it.each([
    'a,b\nc,d\r\n',
    'a,b\r\nc\r,d\r\n',
    'a,b\r\nc,d\r',
    'a,b\r\r\n',
    'a,b\r\n"c"\r,d\r\n',
    'a,b\r\nc\r\n',
    '\r\r\na,b\r\n',
  ])('%j with \\r\\n are left to the engine', text => {
    expect(parse(text, two, { newline: 'crlf' })).toBe(left)
  })

  it('have an empty last field before any newline', () => {
    expect(parse('a,\nb,', two)).toEqual([
      ['a', 'b'],
      [null, null],
    ])
    expect(parse('a,\r\nb,', two, { newline: 'crlf' })).toEqual([
      ['a', 'b'],
      [null, null],
    ])
    expect(parse('a,""\r\n"",b\r\n', two, { newline: 'crlf' })).toEqual([
      ['a', ''],
      ['', 'b'],
    ])
  })

  it('have newlines of every kind inside quotes', () => {
    const quoted = ['\n', '\r', '\r\n', 'a\n\r\nb']
    for (let before = 0; before < 64; before++) {
      const padding = 'x'.repeat(before)
      const text = quoted.map(each => `"${each}",${padding}\r\n`).join('')
      const expected = [quoted, quoted.map(() => padding || null)]
      expect(parse(text, two, { newline: 'crlf' })).toEqual(expected)
      expect(parse(text.replaceAll(`,${padding}\r\n`, `,${padding}\n`), two)).toEqual(expected)
    }
  })

  it('have fields between spaces, or between digits', () => {
    expect(parse('a b\nc d', two, { delimiter: ' ' })).toEqual(rows)
    expect(parse('a5b\nc5d\n', two, { delimiter: '5' })).toEqual(rows)
    const [time, text] = [{ kind: 'timestamp' } as const, two[0] as FieldKind]
    expect(parse('2024-01-31 12:34:59\n', [time, text], { delimiter: '5' })).toBe(left)
    expect(parse('2024-01-31 12:34:59\n', [text, text], { delimiter: '5' })).toEqual([['2024-01-31 12:34:'], ['9']])
    expect(parse('2024-01-09\n', [time, text], { delimiter: '9' })).toBe(left)
    expect(parse('2024-01-315\n', [{ kind: 'date' }, text], { delimiter: '5' })).toEqual([['2024-01-31'], [null]])
  })

  it('are taken as far as they are whole in a piece of text that does not end there', () => {
    const fields = two
    for (const rest of ['', '"c"', '"c', 'c', 'c,', '"c""', '"', '"c",', 'c,d', '"c","d"', '\r', '""'])
      for (let before = 0; before < 64; before++) {
        const whole = `${'x'.repeat(before)},b\n`
        const parser = new ColumnParser({ dialect: dialectOf(csv()), newline: 'lf', nulls: [''], fields })
        const outcome = parser.parse(Buffer.from(whole + rest), false)
        if (rest === '\r') expect(outcome).toEqual({ kind: 'irregular' })
        else expect(outcome).toEqual({ kind: 'parsed', rows: 1, bytes: whole.length })
      }
  })

  it('may be as long as a window, and no longer', () => {
    for (const length of [131_065, 131_066, 131_067]) {
      const [first] = parse(`${'x'.repeat(length)},y\n`, two) as string[][]
      expect(first).toEqual(['x'.repeat(length)])
    }
    expect(parse(`${'x'.repeat(131_068)},y`, two)).toEqual([['x'.repeat(131_068)], ['y']])
    expect(parse(`${'x'.repeat(131_068)},y`, two, { newline: 'crlf' })).toEqual([['x'.repeat(131_068)], ['y']])
    expect(parse(`${'x'.repeat(131_068)},y\n`, two)).toBe(left)
  })

  it('may have more fields than a window has bytes for their values', () => {
    const fields = Array.from({ length: 1_000 }, () => int8)
    const text = `${Array.from({ length: 1_000 }, () => '1').join()}\n`.repeat(200)
    const columns = parse(text, fields) as string[][]
    expect(columns).toHaveLength(1_000)
    expect(new Set(columns.map(column => column.join('')))).toEqual(new Set(['1'.repeat(200)]))
  })
})
