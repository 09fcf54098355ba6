/** Finds the partitions of a dataset that may have rows for a condition. */
import type { Engine } from '../duckdb/engine.ts'
import { quoteName } from '../duckdb/quote.ts'
import { engineName } from '../errors/engine-name.ts'
import type { PartitionQuery } from '../model/partition-query.ts'
import { conjunctsOf, expressionText, rowsThatMeet } from '../sql/predicate.ts'

const partitionsAtOnce = 1000

/**
 * Returns for each partition whether it may have rows that meet the conditions: those parts of them that are joined by AND and have
 * columns of partitions alone are evaluated by the engine. @throws SQL_INVALID
 */
export async function neededPartitions(engine: Engine, query: PartitionQuery): Promise<readonly boolean[]> {
  const { conditions, schema, partitions } = query
  const connection = await engine.connect()
  const names = Object.keys(partitions[0] ?? {})
  const columns = names.map((name, at) => {
    const type = schema.find(each => each.name === name)?.type ?? 'VARCHAR'
    return `CAST(t${at} AS ${type}) AS ${quoteName(name)}`
  })
  const lower = names.map(engineName)
  const all = await conjunctsOf(connection, conditions)
  const own = all.filter(({ columns: used }) => used?.length && used.every(name => lower.includes(name)))
  if (own.length === 0) return partitions.map(() => true)
  const tests = await Promise.all(
    own.map(async ({ node, values }) => ({ text: `(${await expressionText(connection, node)})`, values })),
  )
  const condition = tests.flatMap((test, at) => (at === 0 ? [test] : [' AND ', test]))
  const needed = new Set<number>()
  for (let start = 0; start < partitions.length; start += partitionsAtOnce) {
    const rows = partitions
      .slice(start, start + partitionsAtOnce)
      .map(partition => names.map(name => partition[name] ?? null))
    for (const at of await rowsThatMeet(connection, { rows, columns }, condition)) needed.add(start + at)
  }
  return partitions.map((_, at) => needed.has(at))
}
