/** Checks statements over `input` (a, b) and the tables `t` and `none`, all on one connection. */
import { DuckDBInstance } from '@duckdb/node-api'
import type { SqlStep } from '../../lib/define/definition.ts'
import { sql } from '../../lib/define/index.ts'
import { checkTransform } from '../../lib/engine/transform/transform.ts'

/** A statement of a text that is not written in the test itself. */
export const statement = (text: string, scope: SqlStep['scope'] = 'row'): SqlStep =>
  sql({ scope })([text] as unknown as TemplateStringsArray)

const connection = await (await DuckDBInstance.create(':memory:')).connect()
await connection.run("CREATE TABLE t AS SELECT * FROM (VALUES ('x', 10), ('z', 20)) AS v(b, n)")
await connection.run('CREATE TABLE none (b VARCHAR, m INTEGER)')

/** `by` are the columns of a key whose rows are together. @throws as `checkTransform` does, with this step as the first */
export async function checkSql(
  step: SqlStep,
  tables: readonly string[] = ['t', 'none'],
  by?: readonly string[],
): Promise<void> {
  const input = 'SELECT CAST(NULL AS INTEGER) AS a, CAST(NULL AS VARCHAR) AS b WHERE false'
  await checkTransform(connection, { input, steps: [step], maps: {} as never, tables, by })
}
