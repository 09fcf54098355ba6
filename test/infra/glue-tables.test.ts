import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { describe, expect, it } from 'vitest'
import { makeGlueTables } from '../../infra/glue-tables.ts'
import { csv, files, parquet, pipeline, task } from '../../lib/index.ts'

describe('a column of a Glue table', () => {
  it.each([
    ['TIME', 'bigint'],
    ['TIMESTAMP', 'timestamp'],
    ['TIMESTAMP_NS', 'timestamp'],
    ['TIMESTAMP WITH TIME ZONE', 'timestamp'],
    ['DECIMAL(12,2)', 'decimal(12,2)'],
    ['UTINYINT', 'smallint'],
    ['USMALLINT', 'int'],
    ['BLOB', 'binary'],
    ["ENUM('a', 'b')", 'string'],
    ['TIME[]', 'array<bigint>'],
    ['INTEGER[][]', 'array<array<int>>'],
    ['MAP(VARCHAR, DATE[])', 'map<string,array<date>>'],
    ['MAP(DECIMAL(3,1), MAP(VARCHAR, TIME))', 'map<decimal(3,1),map<string,bigint>>'],
  ])('of the engine’s %s is %s', (type, expected) => {
    expect(glueTypeOf(type)).toBe(expected)
  })

  it.each([
    ['UUID', 'cast it to VARCHAR in the transform'],
    ['UINTEGER', 'cast it to BIGINT in the transform'],
    ['UBIGINT', 'cast it to DECIMAL(20, 0) in the transform'],
    ['HUGEINT', 'cast it in the transform'],
    ['INTERVAL', 'cast it in the transform'],
    ['TIME WITH TIME ZONE', 'cast it in the transform'],
    ['STRUCT(a INTEGER)', 'cast it in the transform'],
    ['STRUCT(a INTEGER[])[]', 'cast it in the transform'],
    ['INTEGER[2]', 'cast it in the transform'],
    ['MAP(VARCHAR, UUID)', 'cast it in the transform'],
  ])('is refused when it is %s, which Athena does not read as it is written', (type, advice) => {
    const message = `FanmillPipeline: glueDatabase: task visits: column seen: expected a type that Athena reads, got ${type}; ${advice}`
    expect(() => glueTypeOf(type)).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', message }))
  })
})

const visits = task({
  name: 'visits',
  source: files({ paths: 'visits/*.csv', format: csv() }),
  output: parquet({ path: 'visits' }),
})

function glueTypeOf(type: string): string {
  const stack = new Stack(new App(), 'Test')
  makeGlueTables(stack, {
    database: 'lake',
    pipeline: pipeline({ name: 'visits', tasks: [visits] }),
    schemas: { visits: { columns: [{ name: 'seen', type }] } },
    output: Bucket.fromBucketName(stack, 'Lake', 'lake'),
    outputPrefix: '',
  })
  const [table] = Object.values(Template.fromStack(stack).findResources('AWS::Glue::Table'))
  return table!.Properties.TableInput.StorageDescriptor.Columns[0].Type
}
