/** Compares output with values from an independent reader, each row by a hash that does not depend on the order. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { dataFolder, type InputName, inflatedBytes, inputPath, inputs, memberRows, orderIdSum } from './inputs.ts'
import { orderColumns } from './order-rows.ts'

/** Counts, sums and hashes of a data set, as text. */
type Facts = Readonly<Record<string, string>>

/** Returns how the orders in the files of a glob differ from the input's, in any order; empty when they do not. */
export async function checkRows(glob: string, name: InputName): Promise<readonly string[]> {
  const [actual, expected] = [
    await readFacts(`read_parquet('${glob}')`, isLong(name) ? knownSql : factsSql),
    await expectedFacts(name),
  ]
  return Object.entries(expected)
    .filter(([fact, value]) => actual[fact] !== value)
    .map(([fact, value]) => `${fact}: expected ${value}, got ${actual[fact]}`)
}

/** Compares count and bytes of extracted files with the input's members. */
export async function checkMembers(folder: string, name: InputName): Promise<readonly string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  const actual = `${sizes.length} files, ${sizes.reduce((sum, size) => sum + size, 0)} bytes`
  const { rows, memberRows: rowsEach = memberRows } = inputs[name]
  const expected = `${rows / rowsEach} files, ${inflatedBytes(name)} bytes`
  return actual === expected ? [] : [`expected ${expected}, got ${actual}`]
}

/**
 * Returns the facts about an input, which are kept beside it.
 * Python's csv module reads the text where it is installed, and DuckDB only hashes; otherwise DuckDB reads it too.
 * Long inputs have only the facts known from the generator: types, count, and the sum of ids.
 */
export async function expectedFacts(name: InputName): Promise<Facts> {
  const types = Object.entries(orderColumns).map(([column, type]) => [`type of ${column}`, type])
  const known = { ...Object.fromEntries(types), rows: `${inputs[name].rows}`, order_id: `${orderIdSum(name)}` }
  if (isLong(name)) return known
  const path = `${inputPath(name)}.expected.json`
  if (!existsSync(path)) writeFileSync(path, JSON.stringify(await readReference(name), undefined, 1))
  return { ...JSON.parse(readFileSync(path, 'utf8')), ...known }
}

/** Hashing and counting distinct notes would take longer than what is measured; Python would read small files one by one. */
const isLong = (name: InputName): boolean => inputs[name].rows > 10_000_000 || inputs[name].file === inputs[name].form

const knownSql = 'count(*) as rows, sum(order_id) as order_id'

/** Floats are compared as cents: sums of them depend on the order. */
const factsSql = `${knownSql}, sum(quantity) as quantity, sum(round(unit_price * 100)::BIGINT) as cents,
  count(distinct note) as notes, min(ordered_at)::VARCHAR as min_at, max(ordered_at)::VARCHAR as max_at,
  count(*) filter (gift) as gifts,
  sum(hash(order_id, ordered_at::TIMESTAMP, customer_id, product, quantity, round(unit_price * 100)::BIGINT, country, gift, note)::HUGEINT) as row_hash,
  sum(hash(unit_price)::HUGEINT) as price_hash`

async function readFacts(source: string, sql: string): Promise<Facts> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const types = await connection.runAndReadAll(
    `select column_name, column_type from (describe select * from ${source})`,
  )
  const [facts] = (await connection.runAndReadAll(`select ${sql} from ${source}`)).getRowObjectsJS()
  connection.closeSync()
  instance.closeSync()
  const typeOf = new Map(types.getRowsJS().map(([name, type]) => [String(name), String(type)]))
  const typed = Object.keys(orderColumns).map(name => [`type of ${name}`, typeOf.get(name) ?? 'absent'])
  return Object.fromEntries([...typed, ...Object.entries(facts ?? {}).map(([name, value]) => [name, `${value}`])])
}

async function readReference(name: InputName): Promise<Facts> {
  const columns = JSON.stringify(orderColumns).replaceAll('"', "'")
  const rows = join(dataFolder, `${name}.rows.jsonl`)
  try {
    if (writePythonRows(name, rows))
      return await readFacts(`read_json('${rows}', format = 'newline_delimited', columns = ${columns})`, factsSql)
  } finally {
    rmSync(rows, { force: true })
  }
  if (inputs[name].form === 'members') throw new Error(`${inputs[name].file}: checking it needs python3 on the path`)
  const options = `header = true, delim = ',', quote = '"', escape = '"', auto_detect = false, columns = ${columns}`
  return readFacts(`read_csv('${inputPath(name)}', ${options})`, factsSql)
}

/** Whether Python is installed. */
function writePythonRows(name: InputName, path: string): boolean {
  const script = new URL('reference.py', import.meta.url).pathname
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
  } catch {
    return false
  }
  execFileSync('sh', ['-c', 'exec python3 "$0" "$1" > "$2"', script, inputPath(name), path])
  return true
}
