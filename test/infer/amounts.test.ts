/** Numbers with a currency, a percent sign or parentheses, and yes and no, in what is inferred. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as fanmill from '../../lib/index.ts'
import { folderOf } from '../cli/fanmill.ts'
import { runProposal } from './proposals.ts'

const euro = "currency: '€'"
const commas = "decimalSeparator: ','"

it.each<readonly [texts: readonly string[], column: string, values: readonly (number | null)[]]>([
  [['12,50 €', '-3 €', '0,5 €'], `float64({ ${commas}, ${euro} })`, [12.5, -3, 0.5]],
  [['€ 1.234,50', '€ 7', '0'], `float64({ ${commas}, thousandsSeparator: '.', ${euro} })`, [1234.5, 7, 0]],
  [['1 234,50 €', '7 €'], `float64({ ${commas}, thousandsSeparator: ' ', ${euro} })`, [1234.5, 7]],
  [['1\u00a0234,50\u202f€', '7\u00a0€'], `float64({ ${commas}, thousandsSeparator: ' ', ${euro} })`, [1234.5, 7]],
  [['1,234.50 USD', 'USD 3.25'], "float64({ thousandsSeparator: ',', currency: 'USD' })", [1234.5, 3.25]],
  [['$5', '-$12', '$-3', '+$4'], "int64({ currency: '$' })", [5, -12, -3, 4]],
  [['R$ 5,5', 'n/a', 'R$ 2'], `float64({ ${commas}, currency: 'R$', nullValues: ['n/a'] })`, [5.5, null, 2]],
  [['(1,234.50)', '12.00'], "float64({ thousandsSeparator: ',', parentheses: true })", [-1234.5, 12]],
  [
    ['($1,234.50)', '$12', '$(3)', '-'],
    "float64({ thousandsSeparator: ',', currency: '$', parentheses: true, nullValues: ['-'] })",
    [-1234.5, 12, -3, null],
  ],
  [['12.5 %', '-3%', '100%'], 'float64({ percent: true })', [0.125, -0.03, 1]],
  [['12,5%', '7%'], `float64({ ${commas}, percent: true })`, [0.125, 0.07]],
  [['12%', '7%'], 'float64({ percent: true })', [0.12, 0.07]],
])('a CSV with %j gets a column that reads the numbers', async (texts, column, values) => {
  const text = `other;value\n${texts.map(each => `x;${each}\n`).join('')}`
  const { source } = await fanmill.infer(join(folderOf({ 'x.csv': text }), 'x.csv'))
  expect(source).toContain(`  value: column.${column},\n`)
  const { rows, rejectCount } = await runProposal(source, { name: 'x.csv', bytes: Buffer.from(text) })
  expect({ values: rows.map(row => (row as { value: unknown }).value), rejectCount }).toEqual({
    values,
    rejectCount: 0,
  })
})

const columnOf = async (texts: readonly string[]) => {
  const folder = folderOf({ 'x.csv': `other;value\n${texts.map(each => `x;${each}\n`).join('')}` })
  return (await fanmill.infer(join(folder, 'x.csv'))).columns.value
}

it.each([[['€ 1.234', '€ 2.500']], [['1,234%', '2,500%']]])(
  'a CSV with %j, whose separator has two meanings, stays text and says so',
  async texts => {
    const note =
      'numbers whose separator stands before decimals or between thousands: write column.float64 with decimalSeparator, or with thousandsSeparator'
    expect(await columnOf(texts)).toEqual({ type: 'string', note })
  },
)

it.each([
  ['have several currencies', ['€5', '$5']],
  ['have a currency on some', ['5', '€7', '€8']],
  ['have a percent sign on some', ['5', '7%', '8%']],
  ['have both', ['€5%', '€7%']],
  ['are all in parentheses', ['(1)', '(2)']],
  ['are negative in two ways', ['(1)', '-2', '3']],
  ['are in open parentheses', ['(1', '2']],
  ['have two signs', ['--5%', '-+6%']],
  ['have leading zeros', ['€007', '€008']],
  ['have letters that are no currency', ['TOP 10', 'TOP 20']],
  ['are dates', ['€12.10.2024', '€13.10.2024']],
  ['are groups of other lengths', ['1 23,50 €', '4 €']],
])('a CSV stays text where its numbers %s', async (_why, texts) => {
  expect(await columnOf(texts)).toMatchObject({ type: 'string' })
})

it('yes and no are booleans where both are there', async () => {
  const text = 'other;value\nx;Yes\nx;no\nx;NO\nx;n/a\n'
  const { source } = await fanmill.infer(join(folderOf({ 'x.csv': text }), 'x.csv'))
  expect(source).toContain("  value: column.boolean({ nullValues: ['n/a'] }),\n")
  const { rows, rejectCount } = await runProposal(source, { name: 'x.csv', bytes: Buffer.from(text) })
  const values = [true, false, false, null]
  expect({ rows, rejectCount }).toEqual({ rows: values.map(value => ({ other: 'x', value })), rejectCount: 0 })
  expect(await columnOf(['NO', 'CH'])).toEqual({ type: 'string' })
  expect(await columnOf(['NO', 'n/a'])).toEqual({ type: 'string' })
  expect(await columnOf(['no,yes', 'no'])).toEqual({ type: 'string' })
})
