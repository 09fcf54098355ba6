/** Registers functions over the hashes of whole vectors, which are read and written at once, not value by value. */
import { type DuckDBConnection, type DuckDBDataChunk, INTEGER, UBIGINT, VARCHAR } from '@duckdb/node-api'
import { registerChunkFunction } from './chunk-function.ts'

export interface HashWork {
  readonly name: string
  /** Texts that are passed besides the hash. */
  readonly textCount: number
  /** Fills `numbers`, one for each row. `words` are the halves of each row's hash, low before high. An error fails the query. */
  each(words: Int32Array, numbers: Int32Array, chunk: DuckDBDataChunk): void
}

/** Registers a function of a UBIGINT and of texts, which returns an INTEGER. */
export function registerHashFunction(connection: DuckDBConnection, { name, textCount, each }: HashWork): void {
  registerChunkFunction(connection, {
    name,
    parameterTypes: [UBIGINT, ...Array.from({ length: textCount }, () => VARCHAR)],
    returnType: INTEGER,
    run: (chunk, output) => {
      const { buffer, byteOffset, length } = itemsOf<BigUint64Array>(chunk.getColumnVector(0))
      each(new Int32Array(buffer, byteOffset, 2 * length), itemsOf<Int32Array>(output), chunk)
    },
  })
}

/** Returns the values of a vector, as the engine's library keeps them. */
const itemsOf = <Items>(vector: unknown): Items => (vector as { readonly items: Items }).items
