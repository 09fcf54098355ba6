/** The types in which keys of two types are compared find the partners that SQL finds. */
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, it } from 'vitest'
import { keyTypes } from '../../lib/model/key-types.ts'

const integers = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT']
const decimals = ['DECIMAL(4,1)', 'DECIMAL(18,6)', 'DECIMAL(38,10)']
const types = [...integers, ...decimals, 'FLOAT', 'DOUBLE', 'DATE', 'TIMESTAMP']
const texts = ['0', '-0.0', '-1', '0.1', '1.5', '127', '200', '60000', '4000000000', '9223372036854775807', 'nan']
const times = ['2024-02-29', '2024-02-29 12:34:56.123456', '1969-12-31']

const inType = (column: string, type: string): string => `CAST(${column} AS ${type})`

it('compares each pair of types of keys as SQL does', async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const values = [...texts, ...times].map(text => `('${text}')`).join()
  const columns = types.map((type, at) => `TRY_CAST(v AS ${type}) AS c${at}`)
  await connection.run(`CREATE TABLE t AS SELECT ${columns.join()} FROM (VALUES ${values}) AS given(v)`)
  const pairs = types.flatMap((left, at) =>
    types.flatMap((right, other) => {
      const isTime = [left, right].map(type => ['DATE', 'TIMESTAMP'].includes(type))
      if (isTime[0] !== isTime[1]) return []
      const [type = ''] = keyTypes([
        [
          { name: 'l', type: left },
          { name: 'r', type: right },
        ],
      ])
      const [own, theirs] = [`l.c${at}`, `r.c${other}`]
      return `SELECT '${left} = ${right}' AS pair, sum(CAST(${own} = ${theirs} AS INT)) AS sql,
        sum(CAST(${inType(own, type)} = ${inType(theirs, type)} AS INT)) AS joined FROM t AS l, t AS r`
    }),
  )
  const all = `SELECT * FROM (${pairs.join(' UNION ALL ')})`
  const read = await connection.runAndReadAll(`${all} WHERE sql IS DISTINCT FROM joined`)
  const matched = await connection.runAndReadAll(`SELECT count(*) AS n FROM (${all}) WHERE sql > 0`)
  connection.closeSync()
  expect(read.getRowObjects()).toEqual([])
  expect(matched.getRowObjects()).toEqual([{ n: BigInt(pairs.length) }])
})
