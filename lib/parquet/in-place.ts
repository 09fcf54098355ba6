/** Tells whether the engine may open a Parquet file of others as it is, without a copy whose footer is rewritten. */
import { engineName } from '../errors/engine-name.ts'
import { columnsOf, type ParquetColumn, type ParquetLeaf } from './columns.ts'
import type { ParquetFooter } from './footer.ts'
import { boundsByRowGroup } from './row-group-bounds.ts'

/** Returns the columns of a file that is opened as it is. Days and moments that are all in the engine's range need no check. */
export function foreignColumnsOf(footer: ParquetFooter): readonly ParquetColumn[] {
  const columns = columnsOf(footer)
  const names = columns.map(({ name }) => name)
  const bounds = boundsByRowGroup(footer, names).map(group => (name: string) => group.get(name) ?? {})
  const isInRange = (name: string): boolean =>
    bounds.every(of => of(name).min !== undefined && of(name).max !== undefined)
  return columns.map(column => {
    const [leaf, ...others] = column.leaves
    return leaf && others.length === 0 && isInRange(column.name)
      ? { ...column, leaves: [{ ...leaf, isInRange: true }] }
      : column
  })
}

/**
 * Whether the engine opens a file of others, and reads the values of the chosen columns, given by their index, as they are meant:
 * timestamps in microseconds are its own, and of the other kinds it drops no digit.
 */
export function isReadAsWritten(columns: readonly ParquetColumn[], chosen: ReadonlySet<number>): boolean {
  const names = new Set(columns.map(({ name }) => engineName(name)))
  if (names.size < columns.length || names.has('')) return false
  const canOpen = columns.every(
    ({ leaves, refused }) => refused === undefined && leaves.every(({ kind }) => kind !== 'geometry'),
  )
  return canOpen && columns.every(({ leaves }, at) => !chosen.has(at) || leaves.every(isKept))
}

const isKept = ({ kind, unit }: ParquetLeaf): boolean =>
  kind === 'native' || kind === 'text' || kind === 'binary' || kind === 'json' || (kind === 'timestamp' && unit === 2)
