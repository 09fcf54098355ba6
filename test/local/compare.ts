/** Answers of one query over whole files, to which the rows of a run are compared. */
import { DuckDBInstance } from '@duckdb/node-api'
import type { DatasetRow } from '../../lib/index.ts'

/** Runs a query with paths relative to a folder. Decimals are texts, as a dataset returns them. */
export async function duckdb(folder: string, sql: string): Promise<DatasetRow[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`SET file_search_path = '${folder}'`)
    const reader = await connection.runAndReadAll(sql)
    const rows = reader.getRowObjects() as Record<string, unknown>[]
    return rows.map(row => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'scale' in value ? String(value) : value
