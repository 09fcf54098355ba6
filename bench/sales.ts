/** The input of the keyed cases: 20 million sales of twelve columns in ten Parquet files, and what the engine alone makes of them. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { outFolder } from './commands.ts'
import { dataFolder } from './inputs.ts'
import type { Command } from './measure.ts'

export const salesRows = 20_000_000
const fileCount = 10
export const salesFolder: string = join(dataFolder, 'sales')
const salesFiles = `read_parquet('${salesFolder}/*.parquet')`

/** Keys are hashes of the row's number, so that each key is in each file. */
const salesSql = (file: number): string => `
  select i as id, (hash(i) % 1000)::INTEGER as shop, (hash(i + 1) % 10000000)::BIGINT as customer,
    (hash(i + 2) % 100000)::DECIMAL(9, 2) / 100 as amount, (hash(i + 3) % 50)::INTEGER as quantity,
    (hash(i + 4) % 1000000) / 1e6 as discount, TIMESTAMP '2025-01-01' + INTERVAL (i) SECOND as sold_at,
    'product-' || hash(i + 5) % 5000 as product, chr((65 + hash(i + 6) % 26)::INTEGER) || chr((65 + hash(i + 7) % 26)::INTEGER) as country,
    hash(i + 8) % 2 = 0 as gift, (hash(i + 9) % 200)::SMALLINT as rating, (hash(i + 10) % 400)::INTEGER as warehouse
  from range(${(file * salesRows) / fileCount}, ${((file + 1) * salesRows) / fileCount}) t(i)`

/** Generates the files once. */
export async function generateSales(): Promise<void> {
  if (existsSync(join(salesFolder, 'complete'))) return
  const pending = `${salesFolder}.pending`
  rmSync(pending, { recursive: true, force: true })
  mkdirSync(pending, { recursive: true })
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  for (let file = 0; file < fileCount; file++)
    await connection.run(`copy (${salesSql(file)}) to '${pending}/sales-${file}.parquet' (compression snappy)`)
  connection.closeSync()
  writeFileSync(join(pending, 'complete'), '')
  rmSync(salesFolder, { recursive: true, force: true })
  renameSync(pending, salesFolder)
}

/** The results of the tasks of `pipelines/sales.ts`, each as one statement of the engine. */
export const salesQueries = {
  shops: `select shop, count(*) as sales, sum(amount) as amount, max(sold_at) as last, avg(discount) as discount from ${salesFiles} group by all`,
  customers: `select customer, count(*) as sales, sum(amount) as amount, max(sold_at) as last from ${salesFiles} group by all`,
} as const
export type SalesTask = keyof typeof salesQueries

/** Answers a query by one process of the engine with two threads. */
export const engineAlone = (task: SalesTask): Command => [
  process.execPath,
  fileURLToPath(new URL('duckdb-query.ts', import.meta.url)),
  salesQueries[task],
  join(outFolder, 'all.parquet'),
]

/** Returns how the rows in the files of a glob differ from the engine's answer: floats by more than 1e-9 of their size, all others at all. */
export async function checkSales(glob: string, task: SalesTask): Promise<readonly string[]> {
  const expected = join(dataFolder, `${task}.expected.parquet`)
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  try {
    if (!existsSync(expected)) await connection.run(`copy (${salesQueries[task]}) to '${expected}'`)
    const described = await connection.runAndReadAll(`describe from read_parquet('${expected}')`)
    const columns = described.getRowObjects().map(row => ({ name: `${row.column_name}`, type: `${row.column_type}` }))
    const same = columns.map(({ name, type }) =>
      type === 'DOUBLE'
        ? `abs(a.${name} - b.${name}) <= 1e-9 * greatest(abs(a.${name}), abs(b.${name}))`
        : `a.${name} is not distinct from b.${name}`,
    )
    const key = columns[0]?.name
    const found = await connection.runAndReadAll(
      `select count(*) as differing from read_parquet('${glob}') a full join read_parquet('${expected}') b using (${key})
       where not coalesce(${same.join(' and ')}, false)`,
    )
    const differing = Number(found.getRowObjects()[0]?.differing)
    return differing === 0 ? [] : [`${differing} keys differ`]
  } finally {
    connection.closeSync()
  }
}
