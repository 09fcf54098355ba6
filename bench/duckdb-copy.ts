/** The DuckDB side: `node bench/duckdb-copy.ts GLOB OUT.parquet` reads CSV with 2 threads and its types given, and writes one file. */
import { DuckDBInstance } from '@duckdb/node-api'
import { orderColumns } from './order-rows.ts'

const [source, destination] = process.argv.slice(2)
const columns = JSON.stringify(orderColumns).replaceAll('"', "'")
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const connection = await instance.connect()
await connection.run(
  `copy (select * from read_csv('${source}', header = true, delim = ',', quote = '"', escape = '"', auto_detect = false,
   columns = ${columns})) to '${destination}' (format parquet, compression snappy)`,
)
