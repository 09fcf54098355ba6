import { expect, it } from 'vitest'
import { parquet } from '../../../lib/define/index.ts'
import { outputPathOf } from '../../../lib/model/run/output-path.ts'

const output = parquet({ path: 'lake/{task}/{month}' })

it('names the task and its parameters', () => {
  expect(outputPathOf({ name: 'flights', output }, { month: '2001-01' }, undefined)).toBe('lake/flights/2001-01')
})

it('makes one folder of {salt} for each task and each set of parameters, in any order', () => {
  const path = (name: string, params: Readonly<Record<string, string>>) =>
    outputPathOf({ name, output: parquet({ path: 'lake/{task}/{salt}' }) }, params, undefined)
  expect(path('flights', { month: '2001-01', carrier: 'AA' })).toMatch(/^lake\/flights\/[0-9a-f]{10}$/)
  expect(path('flights', { month: '2001-01', carrier: 'AA' })).toBe(
    path('flights', { carrier: 'AA', month: '2001-01' }),
  )
  const others = [path('flights', { month: '2001-02', carrier: 'AA' }), path('delays', { month: '2001-01' })]
  expect(new Set([path('flights', { month: '2001-01', carrier: 'AA' }), ...others]).size).toBe(3)
})

it('moves a salted output with its lineage, to the folder that {salt} names or to the last one', () => {
  const path = (template: string, lineage?: string) =>
    outputPathOf({ name: 'flights', output: parquet({ path: template, salted: true }) }, {}, lineage)
  expect(path('{salt}/{task}', 'a')).toMatch(/^[0-9a-f]{10}\/flights$/)
  expect(path('{task}', 'a')).toMatch(/^flights\/[0-9a-f]{10}$/)
  expect(new Set([path('{task}', 'a'), path('{task}', 'a'), path('{task}', 'b')]).size).toBe(2)
  expect(() => path('{task}')).toThrow('expected the lineage of flights')
})

it('refuses a parameter that cannot be in a path', () => {
  expect(() => outputPathOf({ name: 'flights', output }, { month: '' }, undefined)).toThrow(
    expect.objectContaining({ code: 'PARAM_INVALID' }),
  )
})
