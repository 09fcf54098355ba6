import fc from 'fast-check'
import { expect, it } from 'vitest'
import { nodeIdOf, nodeNameOf } from '../../../lib/model/run/node-name.ts'

it('names a task without parameters by its name', () => {
  expect(nodeNameOf('flights', {})).toEqual({ task: 'flights', node: 'flights' })
})

it('names a task with the values of its parameters, in any order', () => {
  expect(nodeIdOf('flights', { month: '2001-01', top: 3 })).toBe('flights(month=2001-01,top=3)')
  expect(nodeIdOf('flights', { top: 3, month: '2001-01' })).toBe('flights(month=2001-01,top=3)')
  expect(nodeIdOf('flights', { city: 'São Paulo' })).toBe('flights(city="São Paulo")')
})

it('gives different values different names', () => {
  const params = fc.record({ a: fc.string(), b: fc.string() })
  fc.assert(
    fc.property(params, params, (one, other) => {
      const isSame = one.a === other.a && one.b === other.b
      expect(nodeIdOf('t', one) === nodeIdOf('t', other)).toBe(isSame)
    }),
  )
  expect(nodeIdOf('t', { a: '1,b=2' })).not.toBe(nodeIdOf('t', { a: '1', b: '2' }))
})
