import { expect, it } from 'vitest'
import { column } from '../../lib/define/index.ts'
import { sqlType } from '../../lib/engine/read/column-sql.ts'
import { definedTypeName, typeName } from '../../lib/model/type-names.ts'

it.each([
  [column.string(), 'string'],
  [column.int64(), 'int64'],
  [column.timestamptz(), 'timestamptz'],
  [column.decimal(9, 2), 'decimal(9, 2)'],
  [column.list(column.decimal(9, 2)), 'list of decimal(9, 2)'],
  [column.list(column.list(column.boolean())), 'list of list of boolean'],
] as const)('names the type of %j as the definition does', (definition, name) => {
  expect(definedTypeName(definition)).toBe(name)
  expect(typeName(sqlType(definition))).toBe(name)
})

it('names a type that no definition has as the engine does', () => {
  expect(typeName('STRUCT(a INTEGER)')).toBe('STRUCT(a INTEGER)')
  expect(typeName('INTERVAL')).toBe('INTERVAL')
})
