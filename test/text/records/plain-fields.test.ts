import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../lib/text/records/dialect.ts'
import { type FieldForm, PlainFields } from '../../../lib/text/records/plain-fields.ts'

const csv: Dialect = { delimiter: ',', quote: '"', escape: '"' }

const forms: readonly (FieldForm | undefined)[] = [
  { kind: 'integer' },
  { kind: 'number' },
  { kind: 'decimal', scale: 2 },
  { kind: 'timestamp' },
  { kind: 'date' },
  undefined,
]

/** Texts that the kernel may call plain, as patterns. */
const patterns = [
  /^[-+0-9]{0,32}$/,
  /^[-+.0-9]{0,32}$/,
  /^(?=.{0,16}$)[-+0-9]*([.][-+.0-9]{0,2})?$/,
  /^(\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d([.]\d{1,6})?)?)?$/,
  /^(\d{4}-\d\d-\d\d)?$/,
]

const field = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      '0',
      '-12',
      '+7',
      '1.5',
      '1.25',
      '.125',
      '1e3',
      '1_000',
      '0x1F',
      ' 1',
      '1 ',
      'x',
      '"1"',
      '"a,\n""b"""',
      'ÿ',
    ],
    ...[
      '1234567890123456',
      '12345678901234567',
      '-1234567890123456789',
      '12345678901234567890123456789012345',
      `${'1'.repeat(16)}x`,
    ],
    ...['2024-01-31', '2024-1-31', '2024-01-31 23:59:59', '2024-01-31T23:59:59.123456', '2024-01-31 23:59:59.'],
    ...[
      '2024-01-31 23:59:59.1234567',
      '2024-01-31 23:59:59-05',
      '2024-01-31 23:59:59Z',
      '2024-01-31 23:59',
      '2024/01/31',
    ],
    ...[
      '2024-01-31 23:59:5x',
      '2024-01-31x23:59:59',
      '2024-01-31 23-59:59',
      '2024-01-31 23:59-59',
      '2024-01-3 123:59:59',
    ],
  ),
  fc.string({ unit: fc.constantFrom(...'0123456789+-.:T '), maxLength: 40 }),
)

const records = fc.tuple(
  fc.array(fc.array(field, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 40 }),
  fc.constantFrom('\n', '\r\n'),
  fc.boolean(),
)

describe('the plain fields of a text', () => {
  it('are found as patterns find them, whatever stands in other columns', () => {
    fc.assert(
      fc.property(records, ([rows, newline, isWhole]) => {
        const text = rows.map(row => row.join(',')).join(newline) + (isWhole ? newline : '')
        const plain = new PlainFields(csv, forms)
        plain.add(Buffer.from(`xx${text}`).subarray(2))
        const expected = forms.map((_, at) => rows.every(row => patterns[at]?.test(row[at] ?? '') ?? false))
        expect(plain.columns).toEqual(expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('are found in texts longer than a window, one after another', () => {
    const plain = new PlainFields(csv, [{ kind: 'integer' }, { kind: 'date' }])
    plain.add(Buffer.from('1,2024-01-31\n'.repeat(30_000)))
    expect(plain.columns).toEqual([true, true])
    plain.add(Buffer.from(`${'1,2024-01-31\n'.repeat(30_000)}1,x\n`))
    expect(plain.columns).toEqual([true, false])
    plain.add(Buffer.from('1.5,2024-01-31\n'))
    expect(plain.columns).toEqual([false, false])
  })

  it.each(['1,a"b\n1,2\n', '"1"x,2\n', '1,"open\n', ' "1",2\n'])(
    'are unknown where quotes stand elsewhere than around fields: %j',
    text => {
      const plain = new PlainFields(csv, [undefined, { kind: 'integer' }, { kind: 'integer' }])
      plain.add(Buffer.from(text))
      expect(plain.columns).toEqual([false, false, false])
    },
  )

  it.each<Dialect>([
    { ...csv, escape: '\\' },
    { ...csv, delimiter: '||' },
    { ...csv, comment: '#' },
  ])('are unknown in the dialect %j', dialect => {
    const plain = new PlainFields(dialect, [{ kind: 'integer' }])
    plain.add(Buffer.from('1\n'))
    expect(plain.columns).toEqual([false])
  })

  it('are found in a dialect without quotes, whose fields may have them', () => {
    const plain = new PlainFields({ delimiter: '\t', quote: '', escape: '' }, [
      { kind: 'integer' },
      { kind: 'integer' },
    ])
    plain.add(Buffer.from('1\t"2\n3\t4\n'))
    expect(plain.columns).toEqual([true, false])
  })
})
