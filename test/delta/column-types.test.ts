import { describe, expect, it } from 'vitest'
import { deltaType, engineTypeOf, storedType } from '../../lib/delta/column-types.ts'
import { decodedPath, encodedPath } from '../../lib/delta/file-paths.ts'
import { newFields } from '../../lib/delta/table-schema.ts'

describe('types of columns', () => {
  it.each([
    ['BOOLEAN', 'boolean'],
    ['TINYINT', 'byte'],
    ['SMALLINT', 'short'],
    ['INTEGER', 'integer'],
    ['BIGINT', 'long'],
    ['FLOAT', 'float'],
    ['DOUBLE', 'double'],
    ['VARCHAR', 'string'],
    ['DATE', 'date'],
    ['TIMESTAMP', 'timestamp_ntz'],
    ['TIMESTAMP WITH TIME ZONE', 'timestamp'],
    ['BLOB', 'binary'],
    ['DECIMAL(18,3)', 'decimal(18,3)'],
    ['INTEGER[]', { type: 'array', elementType: 'integer', containsNull: true }],
    [
      'MAP(VARCHAR, DECIMAL(4,1)[])',
      {
        type: 'map',
        keyType: 'string',
        valueType: { type: 'array', elementType: 'decimal(4,1)', containsNull: true },
        valueContainsNull: true,
      },
    ],
    [
      'STRUCT("a b" INTEGER, "c" VARCHAR)',
      {
        type: 'struct',
        fields: [
          { name: 'a b', type: 'integer', nullable: true, metadata: {} },
          { name: 'c', type: 'string', nullable: true, metadata: {} },
        ],
      },
    ],
  ])('are the same in both directions: %s', (engine, delta) => {
    expect(storedType('x', engine)).toBe(engine)
    expect(deltaType('x', engine)).toEqual(delta)
    expect(engineTypeOf(deltaType('x', engine))).toBe(engine)
  })

  it.each([
    ['UTINYINT', 'SMALLINT'],
    ['USMALLINT', 'INTEGER'],
    ['UINTEGER[]', 'BIGINT[]'],
    ['JSON', 'VARCHAR'],
    ["ENUM('a, b', 'c')", 'VARCHAR'],
    ['STRUCT(a UINTEGER, b STRUCT(c JSON))', 'STRUCT("a" BIGINT, "b" STRUCT("c" VARCHAR))'],
  ])('that Delta does not have are stored in one that holds every value: %s', (engine, stored) => {
    expect(storedType('x', engine)).toBe(stored)
  })

  it.each([
    ['UBIGINT', 'uint64', 'DECIMAL(20, 0)'],
    ['TIME', 'time', 'VARCHAR'],
    ['INTERVAL', 'interval', 'VARCHAR'],
    ['UUID', 'uuid', 'VARCHAR'],
    ['TIMESTAMP_NS', 'timestamp_ns', 'TIMESTAMP'],
    ['TIME[]', 'time', 'VARCHAR'],
  ])('that would lose values are refused with the cast to use: %s', (engine, name, cast) => {
    const message = `column x: expected a type that Delta tables have, got ${name}; cast it in the transform: CAST("x" AS ${cast})`
    expect(() => storedType('x', engine)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', message }))
  })

  it('are unknown where the engine does not read them', () => {
    expect(engineTypeOf('variant')).toBeUndefined()
  })
})

describe('names', () => {
  it.each(['two words', 'a;b', 'a=b', 'a(b)'])('that Delta tables cannot have are refused: %s', name => {
    expect(() => newFields([{ name, type: 'INTEGER' }])).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID' }),
    )
  })

  it('that differ by case alone are refused', () => {
    const schema = ['id', 'ID'].map(name => ({ name, type: 'INTEGER' }))
    expect(() => newFields(schema)).toThrow(/ID, which differs from another column by case alone/)
  })
})

describe('paths in a log', () => {
  it.each([
    ['part-0.parquet', 'part-0.parquet'],
    ['state=NY/part.parquet', 'state=NY/part.parquet'],
    ['state=a b/100%25.parquet', 'state=a%20b/100%2525.parquet'],
    ['stadt=Köln/x(1).parquet', 'stadt=K%C3%B6ln/x%281%29.parquet'],
  ])('are percent-encoded: %s', (key, path) => {
    expect(encodedPath(key)).toBe(path)
    expect(decodedPath(path, 'sales')).toBe(key)
  })

  it.each(['s3://other/part.parquet', '/part.parquet', '../part.parquet', '%2E%2E/part.parquet'])(
    'are refused where they lead out of the table: %s',
    path => {
      expect(() => decodedPath(path, 'sales')).toThrow(expect.objectContaining({ code: 'DELTA_UNSUPPORTED' }))
    },
  )
})
