/** The input of the joins: orders and their payments, as many as `$FANMILL_BENCH_JOIN_ROWS` each, and what the engine alone makes of them. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { outFolder, product } from './commands.ts'
import { dataFolder } from './inputs.ts'
import type { Command } from './measure.ts'

export const joinRows = Number(process.env.FANMILL_BENCH_JOIN_ROWS ?? 20_000_000)
/** The root of the inputs of the joins, and of the outputs of the datasets that are kept by key. */
export const joinsFolder: string = join(dataFolder, `joins-${joinRows}`)
const fileCount = 10

const rowsOf = (file: number): string =>
  `range(${(file * joinRows) / fileCount}, ${((file + 1) * joinRows) / fileCount}) t(i)`
/** Payments are in another order than their orders, by a factor that has no divisor in common with the number of rows. */
const inputSql: Readonly<Record<string, (file: number) => string>> = {
  orders: file => `
    select i as id, (hash(i) % 10000000)::BIGINT as customer, (hash(i + 2) % 100000)::DECIMAL(9, 2) / 100 as amount,
      'product-' || hash(i + 5) % 5000 as product, chr((65 + hash(i + 6) % 26)::INTEGER) as country from ${rowsOf(file)}`,
  payments: file => `
    select (i * 7919) % ${joinRows} as order_id, TIMESTAMP '2025-01-01' + INTERVAL (i) SECOND as paid_at,
      ['card', 'cash', 'bank'][1 + (hash(i + 7) % 3)::INTEGER] as method, (hash(i + 3) % 1000000) / 1e2 as total from ${rowsOf(file)}`,
}

/** Generates the files and the datasets once. */
export async function generateJoins(): Promise<void> {
  if (existsSync(join(joinsFolder, 'complete'))) return
  rmSync(joinsFolder, { recursive: true, force: true })
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  for (const [name, sql] of Object.entries(inputSql)) {
    mkdirSync(join(joinsFolder, 'in', name), { recursive: true })
    for (let file = 0; file < fileCount; file++)
      await connection.run(`copy (${sql(file)}) to '${joinsFolder}/in/${name}/${file}.parquet' (compression snappy)`)
  }
  connection.closeSync()
  for (const task of Object.keys(inputSql)) {
    const [program, ...args] = runJoins(task, joinsFolder)
    execFileSync(program, args)
  }
  writeFileSync(join(joinsFolder, 'complete'), '')
}

/** Keeps both datasets by the key once. */
export async function generateKept(): Promise<void> {
  await generateJoins()
  for (const task of ['orders-kept', 'payments-kept']) {
    const [program, ...args] = runJoins(task, joinsFolder)
    execFileSync(program, args)
  }
}

/** Runs one task of `pipelines/joins.ts`. */
export function runJoins(task: string, output: string = outFolder, ...flags: string[]): Command {
  const pipeline = fileURLToPath(new URL('pipelines/joins.ts', import.meta.url))
  const roots = ['--input', joinsFolder, '--output', output, '--workers', '2']
  return product('run', pipeline, task, ...roots, '--quiet', ...flags)
}

const joinSql = (orders: string, payments: string): string =>
  `select id, customer, amount, product, paid_at, method, total
  from '${joinsFolder}/${orders}/*.parquet' join '${joinsFolder}/${payments}/*.parquet' on id = order_id`

/** Joins the same files by one process of the engine with two threads. */
export const joinAlone = (orders = 'data/orders', payments = 'data/payments'): Command => [
  process.execPath,
  fileURLToPath(new URL('duckdb-query.ts', import.meta.url)),
  joinSql(orders, payments),
  join(outFolder, 'all.parquet'),
]

/** Returns how the rows in the files of a glob differ from what their keys say: each row is checked by itself, and their number. */
export async function checkJoined(glob: string): Promise<readonly string[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  try {
    const found = await connection.runAndReadAll(
      `select count(*) as n, count(distinct id) as ids, count(*) filter (where not (
          customer = hash(id) % 10000000 and product = 'product-' || hash(id + 5) % 5000
          and id = ((epoch(paid_at) - epoch(TIMESTAMP '2025-01-01'))::BIGINT * 7919) % ${joinRows})) as wrong
       from read_parquet('${glob}')`,
    )
    const { n, ids, wrong } = found.getRowObjects()[0] ?? {}
    const isRight = Number(n) === joinRows && Number(ids) === joinRows && Number(wrong) === 0
    return isRight ? [] : [`expected ${joinRows} rows, got ${n} with ${ids} keys, ${wrong} of them wrong`]
  } finally {
    connection.closeSync()
  }
}
