/** Bounds in footers as texts that the engine casts to the column's type. */
import { expect, it } from 'vitest'
import { type ParquetFooter, physical, type SchemaElement } from '../../lib/parquet/footer.ts'
import { boundsByRowGroup } from '../../lib/parquet/row-group-bounds.ts'

const bytes = (write: (view: DataView) => void, length = 8): Uint8Array => {
  const buffer = new Uint8Array(length)
  write(new DataView(buffer.buffer))
  return buffer
}

/** Returns the bounds of a column of one row group. */
function boundsOf(element: Partial<SchemaElement>, min: Uint8Array, max: Uint8Array, createdBy = 'DuckDB version v1') {
  const root = { name: 'root', childCount: 1 }
  const chunk = { codec: 0, encodings: [], valueCount: 2, isEncrypted: false, start: 4, lengthBytes: 9 }
  const footer: ParquetFooter = {
    elements: [root, { name: 'x', childCount: 0, repetition: 1, ...element }],
    ...{ schemaStart: 0, schemaEnd: 0, rowCount: 2, createdBy },
    rowGroups: [{ rowCount: 2, columns: [{ ...chunk, statistics: { min, max, nullCount: 0 } }] }],
  }
  const found = boundsByRowGroup(footer, ['x'])[0]?.get('x')
  return [found?.min, found?.max]
}
const int64 = (value: bigint): Uint8Array => bytes(view => view.setBigInt64(0, value, true))
const double = (value: number): Uint8Array => bytes(view => view.setFloat64(0, value, true))
const int32 = (value: number): Uint8Array => bytes(view => view.setInt32(0, value, true), 4)

it('has every digit of integers, decimals, days and moments', () => {
  expect(boundsOf({ type: physical.int64 }, int64(-5n), int64(2n ** 62n))).toEqual(['-5', '4611686018427387904'])
  expect(boundsOf({ type: physical.int32, converted: 13 }, int32(1), int32(-1))).toEqual(['1', '4294967295'])
  expect(boundsOf({ type: physical.int64, converted: 5, scale: 2 }, int64(-5n), int64(1234n))).toEqual([
    '-0.05',
    '12.34',
  ])
  expect(boundsOf({ type: physical.int32, converted: 6 }, int32(0), int32(19_753))).toEqual([
    '1970-01-01',
    '2024-01-31',
  ])
  expect(boundsOf({ type: physical.int64, converted: 10 }, int64(-1n), int64(1_706_659_200_123_456n))).toEqual([
    '1969-12-31 23:59:59.999999',
    '2024-01-31 00:00:00.123456',
  ])
})

it('has no greatest float of a writer that may have left out NaN', () => {
  expect(boundsOf({ type: physical.double }, double(-1.5), double(2.5))).toEqual(['-1.5', '2.5'])
  expect(boundsOf({ type: physical.double }, double(-1.5), double(2.5), 'parquet-mr')).toEqual(['-1.5', undefined])
})

it('has no bound of bytes that are no text, and none beyond the years of four digits', () => {
  const raw = Uint8Array.of(0xff, 0xfe)
  expect(boundsOf({ type: physical.bytes, converted: 0 }, raw, raw)).toEqual([undefined, undefined])
  expect(boundsOf({ type: physical.int32, converted: 6 }, int32(-2_000_000), int32(2 ** 31 - 1))).toEqual([
    undefined,
    undefined,
  ])
})
