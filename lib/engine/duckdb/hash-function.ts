/** Functions of the engine over the hashes of whole vectors, read and answered at once, not value by value. */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  INTEGER,
  UBIGINT,
  VARCHAR,
} from '@duckdb/node-api'

export interface HashWork {
  readonly name: string
  /** Texts that are passed beside the hash. */
  readonly textCount: number
  /** Fills `numbers`, one a row. `words` are the halves of each row's hash, low before high. What it throws fails the query. */
  each(words: Uint32Array, numbers: Int32Array, chunk: DuckDBDataChunk): void
}

/** Registers a volatile function of a UBIGINT and of texts, which returns an INTEGER. */
export function registerHashFunction(connection: DuckDBConnection, { name, textCount, each }: HashWork): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name,
      parameterTypes: [UBIGINT, ...Array.from({ length: textCount }, () => VARCHAR)],
      returnType: INTEGER,
      specialHandling: true,
      volatile: true,
      mainFunction: (info, chunk, output) => {
        try {
          const { buffer, byteOffset, length } = (chunk.getColumnVector(0) as unknown as HashVector).items
          each(new Uint32Array(buffer, byteOffset, 2 * length), (output as unknown as NumberVector).items, chunk)
          output.flush()
        } catch {
          info.setError(`${name} stopped the query`)
        }
      },
    }),
  )
}

/** Vectors as the engine's library makes them. */
interface HashVector {
  readonly items: BigUint64Array
}

interface NumberVector {
  readonly items: Int32Array
}
