/** The engine alone over Parquet: `node bench/duckdb-query.ts QUERY OUT.parquet` answers one query with 2 threads into one file. */
import { DuckDBInstance } from '@duckdb/node-api'

const [query, destination] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
await connection.run(`copy (${query}) to '${destination}' (format parquet, compression snappy)`)
