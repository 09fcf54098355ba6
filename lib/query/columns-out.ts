/** Columns of a chunk as JavaScript arrays: typed arrays where the values are numbers and none is null. */
import { type DuckDBListType, type DuckDBType, DuckDBTypeId, type DuckDBVector } from '@duckdb/node-api'
import { valueReader } from '../engine/transform/vector-values.ts'

export type NumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array

/** A column of a batch. A list of numbers is a typed array too. */
export type ColumnValues = NumberArray | readonly unknown[]

/** The values of a vector and which of them are not null, as the engine's package keeps them. */
interface RawVector {
  readonly items: NumberArray
  readonly validity: { itemValid(index: number): boolean }
}

const isNumber = (type: DuckDBType): boolean =>
  /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|FLOAT|DOUBLE)$/.test(String(type))

export type ReadColumnValues = (vector: DuckDBVector, rowCount: number) => ColumnValues

/** Returns the function that copies a column of this type out of its vectors. */
export function columnValuesReader(type: DuckDBType): ReadColumnValues {
  if (isNumber(type)) return (vector, rowCount) => numbersOf(vector, rowCount) ?? nullable(vector, rowCount)
  const inner = type.typeId === DuckDBTypeId.LIST ? (type as DuckDBListType).valueType : undefined
  const read = valueReader(type)
  const each = (vector: DuckDBVector, rowCount: number): ColumnValues =>
    Array.from({ length: rowCount }, (_, row) => read(vector, row))
  if (!inner || !isNumber(inner)) return each
  return (vector, rowCount) =>
    Array.from({ length: rowCount }, (_, row) => numberList(vector, row) ?? read(vector, row))
}

/** Returns the numbers of a vector; undefined where one is null. The vector's memory belongs to the engine. */
export function numbersOf(vector: DuckDBVector, rowCount: number): NumberArray | undefined {
  const { items, validity } = vector as unknown as RawVector
  for (let row = 0; row < rowCount; row++) if (!validity.itemValid(row)) return undefined
  return items.slice(0, rowCount)
}

/** Returns the numbers of a list; undefined where the list or one of them is null. */
function numberList(vector: DuckDBVector, row: number): NumberArray | undefined {
  const items = (vector as unknown as { getItemVector(row: number): DuckDBVector | null }).getItemVector(row)
  return items ? numbersOf(items, items.itemCount) : undefined
}

const nullable = (vector: DuckDBVector, rowCount: number): readonly unknown[] =>
  Array.from({ length: rowCount }, (_, row) => vector.getItem(row))
