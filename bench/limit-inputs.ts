/** Inputs of the cases of `limit-cases.ts`, each written once. */
import { createWriteStream, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { dataFolder } from './inputs.ts'

const folder = join(dataFolder, 'limits')

/** Returns the path of an input. */
export const limitInput = (name: string): string => join(folder, name)

/** Writes a file of the folder unless it exists. */
export function once(name: string, write: (file: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    mkdirSync(folder, { recursive: true })
    if (existsSync(limitInput(name))) return
    await write(limitInput(`${name}.pending`))
    renameSync(limitInput(`${name}.pending`), limitInput(name))
  }
}

const names = (count: number): string => `${Array.from({ length: count }, (_, index) => `c${index}`).join(',')}\n`

/** Writes a file of lines. */
const writeLines =
  (head: string, count: number, lineOf: (row: number) => string) =>
  (file: string): Promise<void> =>
    pipeline(lines(head, count, lineOf), createWriteStream(file))

const lines = (head: string, count: number, lineOf: (row: number) => string): Readable =>
  Readable.from(
    (function* () {
      yield head
      for (let row = 0; row < count; row++) yield lineOf(row)
    })(),
  )

const numbersLine = (row: number, count: number): string =>
  `${Array.from({ length: count }, (_, column) => (row * 7919 + column) % 1_000_003).join(',')}\n`

export const writeWide = writeLines(names(450), 20_000, row => numbersLine(row, 450))
export const writeHeader = writeLines(names(100_000), 20, row => numbersLine(row, 100_000))
export const writeColumns = writeLines(names(9000), 5, row => numbersLine(row, 9000))
export const writeKeys = writeLines('k,n\n', 1_000_000, row => `k${row},${row}\n`)

const blockRows = 20_000
/** Rows of a log line each, which compress to a fortieth. */
function logBlock(): string {
  const line = (row: number): string =>
    `${row},2026-11-21T10:00:${String(Math.floor(row / 400) % 60).padStart(2, '0')}Z INFO com.example.service.OrderController handled request method=GET path=/api/v1/orders status=200 duration=12ms user=anonymous region=eu-central-1 instance=i-0abcdef ${(row * 7919) % 10},1.5\n`
  return Array.from({ length: blockRows }, (_, row) => line(row)).join('')
}

const logBlocks = (): number => Math.ceil(1.2e9 / logBlock().length)

export function logRows(): number {
  return logBlocks() * blockRows
}

export function writeLog(file: string): Promise<void> {
  const block = logBlock()
  return pipeline(
    lines('id,s,x\n', logBlocks(), () => block),
    createGzip(),
    createWriteStream(file),
  )
}

export async function writeParquets(): Promise<void> {
  if (existsSync(limitInput('parquets/1999.parquet'))) return
  mkdirSync(limitInput('parquets'), { recursive: true })
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  for (let index = 0; index < 2000; index++)
    await connection.run(
      `COPY (SELECT ${index} AS id, 'row ${index}' AS s, 1.5 AS x) TO '${limitInput(`parquets/${index}.parquet`)}'`,
    )
  connection.closeSync()
}

export function writeRecord(file: string): void {
  writeFileSync(file, `id,s,x\n1,a,1\n2,b,2${',9'.repeat(100_000)}\n3,c,3\n`)
}
