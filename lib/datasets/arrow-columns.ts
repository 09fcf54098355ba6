/** Copies columns of the engine's chunks into Arrow's arrays, by type. */
import type { DuckDBVector } from '@duckdb/node-api'
import type { Data, DataType } from 'apache-arrow'

export type ArrowPackage = typeof import('apache-arrow')

/** How a column of one type becomes Arrow data. */
export interface ArrowColumn {
  readonly type: DataType
  /** Set for a type that Arrow has no likeness of here: the engine casts it to text. */
  readonly isText?: boolean
  read(vector: DuckDBVector, rowCount: number): Data<DataType>
}

/** The values of a vector of fixed width, as the engine's package keeps them. */
interface RawVector {
  readonly items: { slice(start: number, end: number): ArrayLike<never> }
  readonly validity: { itemValid(index: number): boolean }
}

/** Returns the column of an engine type. */
export function arrowColumn(arrow: ArrowPackage, engineType: string): ArrowColumn {
  const fixed = fixedType(arrow, engineType)
  if (fixed) return { type: fixed, read: (vector, rowCount) => fixedData(arrow, fixed, vector, rowCount) }
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(engineType)
  if (decimal) return decimalColumn(arrow, Number(decimal[1]), Number(decimal[2]))
  const inner = engineType.endsWith('[]') ? fixedType(arrow, engineType.slice(0, -2)) : undefined
  if (inner) return listColumn(arrow, inner)
  if (engineType === 'VARCHAR[]')
    return builtColumn(
      arrow,
      new arrow.List(new arrow.Field('item', new arrow.Utf8(), true)),
      value => (value as { items: unknown }).items,
    )
  if (engineType === 'BOOLEAN') return builtColumn(arrow, new arrow.Bool(), value => value)
  if (engineType === 'BLOB')
    return builtColumn(arrow, new arrow.Binary(), value => Uint8Array.from((value as { bytes: Uint8Array }).bytes))
  return { ...builtColumn(arrow, new arrow.Utf8(), value => value), isText: engineType !== 'VARCHAR' }
}

function fixedType(arrow: ArrowPackage, engineType: string): DataType | undefined {
  const types: Readonly<Record<string, () => DataType>> = {
    TINYINT: () => new arrow.Int8(),
    SMALLINT: () => new arrow.Int16(),
    INTEGER: () => new arrow.Int32(),
    BIGINT: () => new arrow.Int64(),
    UTINYINT: () => new arrow.Uint8(),
    USMALLINT: () => new arrow.Uint16(),
    UINTEGER: () => new arrow.Uint32(),
    UBIGINT: () => new arrow.Uint64(),
    FLOAT: () => new arrow.Float32(),
    DOUBLE: () => new arrow.Float64(),
    DATE: () => new arrow.DateDay(),
    TIME: () => new arrow.TimeMicrosecond(),
    TIMESTAMP: () => new arrow.TimestampMicrosecond(),
    TIMESTAMP_NS: () => new arrow.TimestampNanosecond(),
    'TIMESTAMP WITH TIME ZONE': () => new arrow.TimestampMicrosecond('UTC'),
  }
  return types[engineType]?.()
}

function fixedData(arrow: ArrowPackage, type: DataType, vector: DuckDBVector, rowCount: number): Data<DataType> {
  const { items, validity } = vector as unknown as RawVector
  const nulls = nullsOf(row => validity.itemValid(row), rowCount)
  return arrow.makeData({ type, length: rowCount, ...nulls, data: items.slice(0, rowCount) } as never)
}

/** Returns the number of nulls, and a bit for each value that is none. */
function nullsOf(isValid: (row: number) => boolean, rowCount: number): { nullCount: number; nullBitmap: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(rowCount / 64) * 8)
  let nullCount = 0
  for (let row = 0; row < rowCount; row++)
    if (isValid(row)) nullBitmap[row >> 3] = (nullBitmap[row >> 3] as number) | (1 << (row & 7))
    else nullCount++
  return { nullCount, nullBitmap }
}

function decimalColumn(arrow: ArrowPackage, precision: number, scale: number): ArrowColumn {
  const type = new arrow.Decimal(scale, precision, 128)
  return {
    type,
    read(vector, rowCount) {
      const data = new BigInt64Array(2 * rowCount)
      const isValid = (row: number): boolean => vector.getItem(row) !== null
      for (let row = 0; row < rowCount; row++) {
        const item = vector.getItem(row) as { readonly value: bigint } | null
        if (!item) continue
        data[2 * row] = BigInt.asIntN(64, item.value)
        data[2 * row + 1] = item.value >> 64n
      }
      const words = new Uint32Array(data.buffer)
      return arrow.makeData({ type, length: rowCount, ...nullsOf(isValid, rowCount), data: words } as never)
    },
  }
}

function listColumn(arrow: ArrowPackage, inner: DataType): ArrowColumn {
  const type = new arrow.List(new arrow.Field('item', inner, true))
  return {
    type,
    read(vector, rowCount) {
      const lists = vector as unknown as { getItemVector(row: number): DuckDBVector | null }
      const vectors = Array.from({ length: rowCount }, (_, row) => lists.getItemVector(row))
      const valueOffsets = new Int32Array(rowCount + 1)
      for (const [row, items] of vectors.entries())
        valueOffsets[row + 1] = (valueOffsets[row] as number) + (items?.itemCount ?? 0)
      const child = joined(arrow, inner, vectors, valueOffsets)
      const nulls = nullsOf(row => vectors[row] !== null, rowCount)
      return arrow.makeData({ type, length: rowCount, ...nulls, valueOffsets, child } as never)
    },
  }
}

function joined(
  arrow: ArrowPackage,
  inner: DataType,
  vectors: readonly (DuckDBVector | null)[],
  offsets: Int32Array,
): Data<DataType> {
  const count = offsets.at(-1) ?? 0
  const data = new inner.ArrayType(count)
  const isNull = new Set<number>()
  for (const [row, vector] of vectors.entries()) {
    if (!vector) continue
    const { items, validity } = vector as unknown as RawVector
    const start = offsets[row] as number
    data.set(items.slice(0, vector.itemCount), start)
    for (let at = 0; at < vector.itemCount; at++) if (!validity.itemValid(at)) isNull.add(start + at)
  }
  const nulls = nullsOf(at => !isNull.has(at), count)
  return arrow.makeData({ type: inner, length: count, ...nulls, data } as never)
}

function builtColumn(arrow: ArrowPackage, type: DataType, convert: (value: unknown) => unknown): ArrowColumn {
  return {
    type,
    read(vector, rowCount) {
      const values = Array.from({ length: rowCount }, (_, row) => {
        const item = vector.getItem(row)
        return item === null ? null : convert(item)
      })
      return arrow.vectorFromArray(values, type).data[0] as Data<DataType>
    },
  }
}
