import fc from 'fast-check'
import { expect, it } from 'vitest'
import { param } from '../../../lib/define/index.ts'
import { readParams } from '../../../lib/model/run/param-values.ts'

it.each([
  ['string', param.string(), 'AA', 'AA'],
  ['integer', param.integer(), '-7', -7],
  ['integer', param.integer(), 7, 7],
  ['float64', param.float64(), '1.5e3', 1500],
  ['boolean', param.boolean(), 'yes', true],
  ['boolean', param.boolean(), '0', false],
  ['boolean', param.boolean(), false, false],
  ['date', param.date(), '2024-02-29', '2024-02-29'],
  ['date', param.date(), new Date('2024-02-29T23:00:00Z'), '2024-02-29'],
  ['month', param.month(), '2024-12', '2024-12'],
  ['timestamp', param.timestamp(), '2024-01-31', '2024-01-31T00:00:00Z'],
  ['timestamp', param.timestamp(), '2024-01-31T12:30', '2024-01-31T12:30:00Z'],
  ['timestamp', param.timestamp(), '2024-01-31T00:30:00.5+02:00', '2024-01-30T22:30:00.500Z'],
  ['enumeration', param.enumeration(['day', 'hour']), 'day', 'day'],
])('reads %s from %j', (_, definition, given, value) => {
  expect(readParams({ p: definition }, { p: given })).toEqual({ p: value })
})

it.each([
  ['integer', param.integer(), '1.5'],
  ['integer', param.integer(), ''],
  ['integer', param.integer(), '9007199254740993'],
  ['float64', param.float64(), 'NaN'],
  ['float64', param.float64(), Number.POSITIVE_INFINITY],
  ['boolean', param.boolean(), 'maybe'],
  ['boolean', param.boolean(), 2],
  ['date', param.date(), '2023-02-29'],
  ['date', param.date(), '2024-1-1'],
  ['month', param.month(), '2024-13'],
  ['month', param.month(), '2024-01-01'],
  ['timestamp', param.timestamp(), '2024-01-31T24:00'],
  ['timestamp', param.timestamp(), 'yesterday'],
  ['string', param.string(), 12],
])('refuses %s from %j, saying what was expected and what came', (_, definition, given) => {
  expect(() => readParams({ p: definition }, { p: given })).toThrow(
    expect.objectContaining({ code: 'PARAM_INVALID', message: expect.stringMatching(/^param p: expected .+, got /) }),
  )
})

it('reads every calendar date, and itself again', () => {
  const from = new Date('0001-01-01T00:00:00Z')
  fc.assert(
    fc.property(fc.date({ min: from, max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), date => {
      const params = { day: param.date(), at: param.timestamp(), month: param.month() }
      const read = readParams(params, { day: date, at: date, month: date.toISOString().slice(0, 7) })
      expect(readParams(params, read)).toEqual(read)
      expect(Date.parse(String(read.at))).toBe(date.getTime())
    }),
  )
})

it('fills in defaults and freezes', () => {
  const read = readParams({ month: param.month(), carrier: param.string({ default: 'all' }) }, { month: '2024-01' })
  expect(read).toEqual({ month: '2024-01', carrier: 'all' })
  expect(Object.isFrozen(read)).toBe(true)
})

it('names a missing parameter with its doc', () => {
  expect(() => readParams({ month: param.month({ doc: 'the month flown' }) }, {})).toThrow(
    'param month: expected a month YYYY-MM (the month flown), got nothing',
  )
})

it('refuses an unknown parameter with the nearest name', () => {
  const params = { month: param.month({ default: '2024-01' }), carrier: param.string({ default: 'all' }) }
  expect(() => readParams(params, { carier: 'AA' })).toThrow(
    'param carier: expected one of the params month, carrier, got carier, did you mean carrier',
  )
  expect(() => readParams({}, { toString: 'x' })).toThrow('expected no params, got toString')
})

it('refuses a value that is not in an enumeration, with the nearest one', () => {
  expect(() => readParams({ grain: param.enumeration(['daily', 'hourly']) }, { grain: 'dayly' })).toThrow(
    'param grain: expected one of daily, hourly, got "dayly", did you mean daily',
  )
})

it('calls the validation of the definition, whose text is the expected value', () => {
  const even = param.integer({ validate: value => value % 2 === 0 || 'an even number' })
  expect(readParams({ n: even }, { n: '4' })).toEqual({ n: 4 })
  expect(() => readParams({ n: even }, { n: '5' })).toThrow('param n: expected an even number, got "5"')
  const never = param.integer({ validate: () => false })
  expect(() => readParams({ n: never }, { n: '5' })).toThrow('a value that its validate accepts')
})
