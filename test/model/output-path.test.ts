import { expect, it } from 'vitest'
import { parquet } from '../../lib/define/index.ts'
import { outputPathOf } from '../../lib/model/output-path.ts'

const output = parquet({ path: 'lake/{task}/{month}' })

it('names the task and its parameters', () => {
  expect(outputPathOf({ name: 'flights', output }, { month: '2001-01' })).toBe('lake/flights/2001-01')
})

it('makes one folder of a salted output for each task and each set of parameters, in any order', () => {
  const salted = (name: string, params: Readonly<Record<string, string>>) =>
    outputPathOf({ name, output: parquet({ path: 'lake/{task}', salted: true }) }, params)
  expect(salted('flights', { month: '2001-01', carrier: 'AA' })).toMatch(/^lake\/flights\/[0-9a-f]{10}$/)
  expect(salted('flights', { month: '2001-01', carrier: 'AA' })).toBe(
    salted('flights', { carrier: 'AA', month: '2001-01' }),
  )
  const others = [salted('flights', { month: '2001-02', carrier: 'AA' }), salted('delays', { month: '2001-01' })]
  expect(new Set([salted('flights', { month: '2001-01', carrier: 'AA' }), ...others]).size).toBe(3)
})

it('refuses a parameter that cannot be in a path', () => {
  expect(() => outputPathOf({ name: 'flights', output }, { month: '' })).toThrow(
    expect.objectContaining({ code: 'PARAM_INVALID' }),
  )
})
