import { expect, it } from 'vitest'
import { column, sql } from '../../lib/define/index.ts'
import { mapBatches, mapRows } from '../../lib/define/steps/steps.ts'

it('keeps the values of SQL out of its text', () => {
  const step = sql`select * from input where carrier = ${"AA' or 1=1"} and delay > ${5n}`
  expect(step).toEqual({
    kind: 'sql',
    texts: ['select * from input where carrier = ', ' and delay > ', ''],
    values: ["AA' or 1=1", 5n],
    scope: 'row',
  })
  expect(Object.isFrozen(step) && Object.isFrozen(step.texts) && Object.isFrozen(step.values)).toBe(true)
})

it('refuses the scope slice, whose rows would depend on the number of workers', () => {
  expect(() => sql({ scope: 'slice' as 'row' })).toThrow(
    expect.objectContaining({
      code: 'DEFINITION_INVALID',
      message: 'sql: scope: expected one of row, bucket, any-slice, got "slice"',
    }),
  )
})

it('binds lists and nulls', () => {
  expect(sql`x ${['a', 'b']} ${[1, 2]} ${null} ${true}`.values).toEqual([['a', 'b'], [1, 2], null, true])
})

it('keeps the functions of steps as they are', () => {
  const map = () => null
  expect(mapRows(map, { adds: { season: column.string() } })).toEqual({
    kind: 'mapRows',
    map,
    adds: { season: column.string() },
  })
  expect(mapRows(map).adds).toEqual({})
  const batches = () => ({})
  expect(mapBatches(batches)).toEqual({ kind: 'mapBatches', map: batches, adds: {} })
})

it.each<[string, () => unknown, string]>([
  [
    'a value that cannot be bound',
    () => sql`a ${new Date(0) as never}`,
    'sql: value 1: expected a string, number, bigint',
  ],
  ['a missing value', () => sql`a ${undefined as never}`, 'got nothing'],
  ['a mixed list', () => sql`a ${['a', 1] as never}`, 'got ["a",1]'],
  ['an empty statement', () => sql` `, 'sql: expected a statement, got nothing'],
  [
    'an unknown scope',
    () => sql({ scope: 'all' as never }),
    'sql: scope: expected one of row, bucket, any-slice, got "all"',
  ],
  ['no function', () => mapRows(12 as never), 'mapRows: map: expected a function, got 12'],
  [
    'a misspelt option',
    () => mapRows(() => null, { add: {} } as never),
    'mapRows: add: unknown option, did you mean adds',
  ],
  [
    'added columns without a type',
    () => mapRows(() => null, { adds: { a: 'string' } as never }),
    'mapRows: adds.a: expected a column',
  ],
])('refuses %s', (_, build, message) => {
  expect(build).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID' }))
  expect(build).toThrow(message)
})
