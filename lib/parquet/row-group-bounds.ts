/** Returns the bounds of columns in row groups as texts that the engine casts to the column's type. */
import {
  type Bound,
  boundKind,
  dateText,
  decimalText,
  readBound,
  splitTimestamp,
  timestampUnit,
  utf8Text,
} from './bounds.ts'
import { flatColumns } from './columns.ts'
import { type ParquetFooter, physical, type SchemaElement } from './footer.ts'

/** The bounds of a column in one row group. What is unknown is absent. */
export interface ColumnBounds {
  readonly min?: string | undefined
  readonly max?: string | undefined
}

/** The bounds of one row group by the name of the column; only columns of one value a row. */
export type RowGroupBounds = ReadonlyMap<string, ColumnBounds>

/** Returns the bounds of the named columns in each row group. */
export function boundsByRowGroup(footer: ParquetFooter, names: readonly string[]): readonly RowGroupBounds[] {
  const columns = flatColumns(footer).filter(({ element }) => names.includes(element.name))
  // Other writers leave NaN out of the bounds, which the engine takes for the greatest number.
  const knowsNaN = footer.createdBy?.startsWith('DuckDB') === true
  return footer.rowGroups.map(group => {
    const bounds = columns.map(({ element, leaf }) => {
      const { min, max } = group.columns[leaf]?.statistics ?? {}
      const isUnbounded = !knowsNaN && boundKind(element) === 'float'
      return [
        element.name,
        { min: boundText(element, min), max: isUnbounded ? undefined : boundText(element, max) },
      ] as const
    })
    return new Map(bounds)
  })
}

function boundText(element: SchemaElement, bytes: Uint8Array | undefined): string | undefined {
  const bound = bytes && readBound(element, bytes)
  return bound === undefined ? undefined : textOf(element, bound)
}

function textOf(element: SchemaElement, bound: Bound): string | undefined {
  if (typeof bound === 'number') return String(bound)
  if (typeof bound !== 'bigint') return utf8Text(bound)
  const kind = boundKind(element)
  if (kind === 'decimal') return decimalText(bound, element.logical?.scale ?? element.scale ?? 0)
  if (kind === 'date') return dateText(Number(bound) * 86_400_000)?.slice(0, 10)
  if (kind === 'timestamp') return momentText(element, bound)
  return String(
    unsignedTypes.includes(element.converted ?? -1)
      ? BigInt.asUintN(element.type === physical.int32 ? 32 : 64, bound)
      : bound,
  )
}

/** UINT_8 to UINT_64. */
const unsignedTypes = [11, 12, 13, 14]

function momentText(element: SchemaElement, value: bigint): string | undefined {
  const unit = timestampUnit(element)
  const { milliseconds, rest } = splitTimestamp(element, value)
  const iso = dateText(Number(milliseconds))
  if (iso === undefined) return undefined
  const below = unit === 1 ? '' : rest.toString().padStart(3 * (unit - 1), '0')
  return `${iso.slice(0, -1).replace('T', ' ')}${below}${element.logical?.isUtc ? '+00' : ''}`
}
