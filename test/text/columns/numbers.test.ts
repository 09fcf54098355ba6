import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldKind } from '../../../lib/text/columns/field-kind.ts'
import { fieldAs, left, parse } from './parsing.ts'

const integer = (least: bigint, most: bigint): FieldKind => ({ kind: 'int64', least, most })
const integers = {
  int8: integer(-128n, 127n),
  int64: integer(-(2n ** 63n), 2n ** 63n - 1n),
  uint32: integer(0n, 2n ** 32n - 1n),
  uint64: integer(0n, 2n ** 63n - 1n),
}

describe('an integer', () => {
  it.each([
    ['0', 'int8', '0'],
    ['127', 'int8', '127'],
    ['128', 'int8', left],
    ['-128', 'int8', '-128'],
    ['-129', 'int8', left],
    ['"12"', 'int8', '12'],
    ['-0', 'uint32', '0'],
    ['-1', 'uint32', left],
    ['4294967295', 'uint32', '4294967295'],
    ['4294967296', 'uint32', left],
    ['9223372036854775807', 'int64', '9223372036854775807'],
    ['9223372036854775808', 'int64', left],
    ['-9223372036854775808', 'int64', '-9223372036854775808'],
    ['-9223372036854775809', 'int64', left],
    ['9999999999999999999', 'int64', left],
    ['9223372036854775807', 'uint64', '9223372036854775807'],
    ['9223372036854775808', 'uint64', left],
    ['1', 'int64', '1'],
    ['12', 'int64', '12'],
    ['123', 'int64', '123'],
    ['1234', 'int64', '1234'],
    ['12345', 'int64', '12345'],
    ['123456', 'int64', '123456'],
    ['1234567', 'int64', '1234567'],
    ['12345678', 'int64', '12345678'],
    ['123456789', 'int64', '123456789'],
    ['1234567890123456', 'int64', '1234567890123456'],
    ['12345678901234567', 'int64', '12345678901234567'],
    ['0000000000000000001', 'int64', '1'],
    ['00000000000000000001', 'int64', left],
    ['1:', 'int64', left],
    [':1', 'int64', left],
    ['1/', 'int64', left],
    ['12345678901234/56', 'int64', left],
    ['123456:8901234567', 'int64', left],
    ['1:345678901234567', 'int64', left],
    ['1:34567890123456789', 'int64', left],
    ['pppp', 'int64', left],
    ['-', 'int64', left],
    ['--1', 'int64', left],
    ['+1', 'int64', left],
    [' 1', 'int64', left],
    ['1 ', 'int64', left],
    ['1.0', 'int64', left],
    ['1e3', 'int64', left],
    ['0x1', 'int64', left],
    ['""', 'int64', left],
    ['', 'int64', null],
  ] as const)('%j of %s is %j', (field, kind, value) => {
    expect(fieldAs(field, integers[kind])).toBe(value)
  })
})

const decimal = (precision: number, scale: number): FieldKind => ({ kind: 'decimal', precision, scale })

describe('a decimal', () => {
  it.each([
    ['1', decimal(6, 3), '1000'],
    ['-1.5', decimal(6, 3), '-1500'],
    ['1.05', decimal(6, 3), '1050'],
    ['999.999', decimal(6, 3), '999999'],
    ['-999.999', decimal(6, 3), '-999999'],
    ['1000', decimal(6, 3), left],
    ['-1000', decimal(6, 3), left],
    ['1.2345', decimal(6, 3), left],
    ['1.2340', decimal(6, 3), left],
    ['000001.5', decimal(6, 3), '1500'],
    ['5', decimal(1, 1), left],
    ['0.9', decimal(1, 1), '9'],
    ['999999999999999999', decimal(18, 0), '999999999999999999'],
    ['1000000000000000000', decimal(18, 0), left],
    ['9223372036854775808', decimal(18, 0), left],
    ['0.999999999999999999', decimal(18, 18), '999999999999999999'],
    ['-0.000000000000000001', decimal(18, 18), '-1'],
    ['0.0000000000000000001', decimal(18, 18), left],
    ['1', decimal(18, 18), left],
    ['9.99999999999999999', decimal(18, 17), '999999999999999999'],
    ['9999999999999999.99', decimal(18, 2), '999999999999999999'],
    ['99999999999999999.9', decimal(18, 2), left],
    ['12345678901234567890.1', decimal(18, 1), left],
    ['18446744073709551617', decimal(18, 0), left],
    ['1844674407370955162', decimal(18, 1), left],
    ['1844674407370955161.7', decimal(18, 1), left],
    ['-1844674407370955161.7', decimal(18, 1), left],
    ['-0', decimal(6, 3), '0'],
    ['.5', decimal(6, 3), left],
    ['5.', decimal(6, 3), left],
    ['-.5', decimal(6, 3), left],
    ['.', decimal(6, 3), left],
    ['1.2.3', decimal(6, 3), left],
    ['1,5', decimal(6, 3), left],
    ['1.-5', decimal(6, 3), left],
    ['"1.5"', decimal(6, 3), '1500'],
    ['"1,5"', decimal(6, 3), left],
  ] as const)('%j of %j is %j', (field, kind, value) => {
    if (field === '1,5') return expect(parse('1,5\n', [kind, kind])).toEqual([['1000'], ['5000']])
    expect(fieldAs(field, kind)).toBe(value)
  })
})

describe('a floating point number', () => {
  it.each([
    ['0.1', '0.1'],
    ['0.3', '0.3'],
    ['-0', '-0'],
    ['-0.0', '-0'],
    ['1.005', '1.005'],
    ['123.456', '123.456'],
    ['9007199254740992', '9007199254740992'],
    ['9007199254740993', '9007199254740992'],
    ['-9007199254740993', '-9007199254740992'],
    ['9007199254740995', '9007199254740996'],
    ['900719925474.0992', '900719925474.0992'],
    ['900719925474.0993', '900719925474.0992'],
    ['0.30000000000000004', '0.30000000000000004'],
    ['0.000000000000000001', '1e-18'],
    ['0.0000000000000000001', '1e-19'],
    ['0.00000000000000000000001234567890123456789', '1.2345678901234567e-23'],
    ['0.00000000000000000000012345678901234567891', left],
    ['000000000000000000000000.5', '0.5'],
    ['0000000000000000000000000000', '0'],
    ['0000000000000000000000000000.', left],
    ['.0000000000000000000000000000', left],
    ['0000000000000.0000000000000.', left],
    ['0000000000000.0000000000000.5', left],
    ['00000000000000000000000000001:', left],
    ['0000000000000000000000000:.5', left],
    ['0.9007199254740992', '0.9007199254740992'],
    ['1844674407370955161.7', left],
    ['1844674407370955.161', '1844674407370955.2'],
    ['1e5', '100000'],
    ['1E5', '100000'],
    ['-1.5e+2', '-150'],
    ['1.7e-80', left],
    ['17e-80', '1.7e-79'],
    ['1e81', left],
    ['1e80', '1e+80'],
    ['0e999', '0'],
    ['1e', left],
    ['1e+', left],
    ['e5', left],
    ['1e5e5', left],
    ['1e 5', left],
    ['1e0005', left],
    ['1e5.0', left],
    ['nan', left],
    ['1.', left],
    ['.1', left],
  ])('%j is %j', (field, value) => {
    expect(fieldAs(field, { kind: 'float64' })).toBe(value)
  })

  it.each([
    '9611011432545439745e1',
    '9802983135511183361e3',
    '9203871596081609928e6',
    '9643206968301906699e11',
    '9173425958982451335e15',
    '9866574071770673837e18',
    '9098643085912394874e22',
  ])('is rounded up a little above the middle of two doubles: %s', field => {
    const [digits, exponent] = field.split('e')
    const value = fieldAs(field, { kind: 'float64' })
    expect(value).toBe(`${Number(field)}`)
    const rounded = BigInt(Number(field))
    expect(rounded).toBeGreaterThan(BigInt(digits as string) * 10n ** BigInt(exponent as string))
  })

  const digits = fc
    .array(fc.constantFrom(...'0123456789'), { minLength: 1, maxLength: 14 })
    .map(found => found.join(''))
  const fraction = fc.tuple(fc.constantFrom('', '0', '0000000'), digits).map(found => `.${found.join('')}`)
  const exponent = fc.tuple(fc.constantFrom('e', 'E-', 'e+'), fc.nat(90)).map(found => found.join(''))
  const number = fc
    .tuple(fc.constantFrom('', '-'), digits, fc.oneof(fc.constant(''), fraction), fc.oneof(fc.constant(''), exponent))
    .map(found => found.join(''))
  // Halfway between two doubles, and beside it.
  const halfway = fc
    .tuple(
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n - 1n }),
      fc.constantFrom(0n, 1n, 2n, 3n),
      fc.nat(20),
      fc.boolean(),
    )
    .map(([value, added, power, isNegative]) => `${value * 4n + added}e${isNegative ? -power : power}`)

  it('is the nearest double, whatever its digits', () => {
    let known = 0
    fc.assert(
      fc.property(fc.oneof(number, number, halfway), text => {
        const found = parse(`${text}\n`, [{ kind: 'float64' }])
        if (typeof found === 'string') return
        known++
        expect(found[0]?.[0]).toBe(Object.is(Number(text), -0) ? '-0' : `${Number(text)}`)
      }),
      { numRuns: 20_000 },
    )
    expect(known).toBeGreaterThan(15_000)
  })
})

describe('a float of 32 bits', () => {
  it.each([
    ['0.1', 0.1],
    ['16777217', left],
    ['16777219', left],
    ['16777217.0000001', 16777218],
    ['1.00000005960464477', left],
    ['1.0000000596046449', 1.0000001192092896],
    ['3.4028234e38', 3.4028234663852886e38],
    ['3.5e38', left],
    ['1.2e-38', 1.2e-38],
    ['1e-38', left],
    ['0', 0],
  ] as const)('%j is the nearest to %j', (field, value) => {
    const found = fieldAs(field, { kind: 'float32' })
    expect(found).toBe(typeof value === 'string' ? value : `${Math.fround(value)}`)
  })
})

describe('a boolean', () => {
  it.each([
    ['true', 'true'],
    ['TRUE', 'true'],
    ['tRuE', 'true'],
    ['false', 'false'],
    ['FALSE', 'false'],
    ['fALSe', 'false'],
    ['"true"', 'true'],
    ['tru', left],
    ['truE ', left],
    ['truee', left],
    ['truf', left],
    ['fals', left],
    ['falsy', left],
    ['fals%', left],
    ['falsee', left],
    ['t', left],
    ['1', left],
  ])('%j is %j', (field, value) => {
    expect(fieldAs(field, { kind: 'boolean' })).toBe(value)
  })
})
