/** The input of the case of unique keys: 50 million rows of as many keys in ten Parquet files, and what the engine alone makes of them. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { outFolder } from './commands.ts'
import { dataFolder } from './inputs.ts'
import type { Command } from './measure.ts'

export const uniqueKeys = 50_000_000
const fileCount = 10
const folder = join(dataFolder, 'keys')
const expectedFile = join(dataFolder, 'keys.expected.json')

/** Keys are in no order, by a factor that has no divisor in common with their number. */
const keysSql = (file: number): string => `
  select (i * 7919) % ${uniqueKeys} as id, (hash(i) % 100000)::DECIMAL(9, 2) / 100 as amount
  from range(${(file * uniqueKeys) / fileCount}, ${((file + 1) * uniqueKeys) / fileCount}) t(i)`

const query = `select id, count(*) as n, sum(amount) as amount from read_parquet('${folder}/*.parquet') group by id`

/** Generates the files once, and the engine's answer. */
export async function generateUniqueKeys(): Promise<void> {
  if (existsSync(expectedFile)) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect()
  for (let file = 0; file < fileCount; file++)
    await connection.run(`copy (${keysSql(file)}) to '${folder}/keys-${file}.parquet' (compression snappy)`)
  connection.closeSync()
  const answer = await fingerprint(`(${query})`)
  writeFileSync(`${expectedFile}.pending`, answer)
  renameSync(`${expectedFile}.pending`, expectedFile)
}

/** Answers the query by one process of the engine with two threads. */
export const uniqueKeysAlone = (): Command => [
  process.execPath,
  fileURLToPath(new URL('duckdb-query.ts', import.meta.url)),
  query,
  join(outFolder, 'all.parquet'),
]

/** Returns how the rows in the files of a glob differ from the engine's answer. */
export async function checkUniqueKeys(glob: string): Promise<readonly string[]> {
  const expected = readFileSync(expectedFile, 'utf8')
  const found = await fingerprint(`read_parquet('${glob}')`)
  return found === expected ? [] : [`expected ${expected}, got ${found}`]
}

/** Returns the number of the rows and two sums of their hashes, which do not depend on their order. */
async function fingerprint(rows: string): Promise<string> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  try {
    const row = 'hash(id, n, amount)'
    const sums = `count(*) as rows, sum(${row}) as sum, bit_xor(${row}) as bits`
    const found = await connection.runAndReadAll(`select ${sums} from ${rows}`)
    return JSON.stringify(found.getRowObjectsJson()[0])
  } finally {
    connection.closeSync()
  }
}
