/** The columns that every reading returns, and a query of them without rows. */
import type { ColumnDefinition, Columns } from '../../define/definition.ts'
import { quoteName, quoteText } from '../../duckdb/quote.ts'
import { sqlType } from './column-sql.ts'
import { provenanceType } from './provenance-sql.ts'

/** A column that is read. */
export interface ReadColumn {
  readonly name: string
  readonly type: string
  /** Undefined for a task that declares no columns. */
  readonly definition?: ColumnDefinition
}

/** Columns that are read besides those of the task. */
export interface ExtraColumns {
  /** Names of the columns for a row's origin. */
  readonly provenance: readonly string[]
  /** Keeps undeclared columns in the map column `_new`. */
  readonly keepNew: boolean
}

/** Returns the declared columns with the engine's types. */
export const declaredColumns = (columns: Columns): ReadColumn[] =>
  Object.entries(columns).map(([name, definition]) => ({ name, type: sqlType(definition), definition }))

/** The columns of each row's place, all texts, which careful readings add on request. */
export const placeColumns = [
  '_fanmill_member',
  '_fanmill_line',
  '_fanmill_record',
  '_fanmill_received',
  '_fanmill_text',
] as const

/** Returns a query with the columns of a reading, and no rows. */
export function emptyRead(
  columns: readonly ReadColumn[],
  { provenance, keepNew }: ExtraColumns,
  hasPlaces = false,
): string {
  const nulls = [
    ...columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`),
    ...provenance.map(name => `CAST(NULL AS ${provenanceType(name)}) AS ${name}`),
    ...(keepNew ? [`CAST(NULL AS ${newType}) AS _new`] : []),
    ...(hasPlaces ? placeColumns.map(name => `CAST(NULL AS VARCHAR) AS ${name}`) : []),
  ]
  return `SELECT ${nulls.join(', ')} WHERE false`
}

/** The type of `_new`. */
export const newType = 'MAP(VARCHAR, VARCHAR)'

/** Returns the value of `_new` as SQL, from names and the SQL of their texts. */
export function newMap(texts: readonly (readonly [name: string, text: string])[]): string {
  const entries = texts.map(([name, text]) => `{'key': ${quoteText(name)}, 'value': ${text}}`)
  return entries.length === 0 ? `CAST(MAP {} AS ${newType})` : `map_from_entries([${entries.join(', ')}])`
}

/** Returns SQL that is true and needs all values, so that none is dropped as unused. Its depth is small, whatever their number. */
export function allRead(values: readonly string[]): string {
  const bits = values.map(value => `CAST(${value} IS NULL AS UTINYINT)`)
  return `(${joined(bits) ?? '0'}) >= 0`
}

/** A boolean function of the engine that rows pass through. */
export interface RowGuard {
  readonly name: string
  /** Rows that pass by it, before those that pass through it. Default 0: it is called for each vector of rows. */
  readonly skipped?: number
}

export interface GuardedColumns extends Pick<ExtraColumns, 'provenance' | 'keepNew'> {
  readonly names: readonly string[]
  /** Columns that are read and checked whether or not a transform uses them. Default all. */
  readonly checked?: readonly string[]
}

/**
 * Returns a query of the same rows that pass through `guard`. The columns that need a check stand in its argument, so that none is
 * dropped as unused. Rows that pass by it are numbered by the engine itself: each call wakes another thread twice.
 */
export function guardedRows(
  read: string,
  { name, skipped = 0 }: RowGuard,
  { names, checked = names, provenance, keepNew }: GuardedColumns,
): string {
  const visible = [...names, ...provenance, ...(keepNew ? ['_new'] : [])].map(quoteName).join(', ')
  const all = checked.length > 0 ? allRead(checked.map(quoteName)) : 'true'
  const [added, isSeen] =
    skipped > 0
      ? ['row_number() OVER ()', `CASE WHEN _fanmill_seen > ${skipped} THEN ${name}(${all}) ELSE true END`]
      : [`${name}(${all})`, '_fanmill_seen']
  return `SELECT ${visible} FROM (SELECT *, ${added} AS _fanmill_seen FROM (${read})) WHERE ${isSeen}`
}

/** Joins bits in a tree, because the engine refuses expressions with more than 1,000 levels. */
function joined(bits: readonly string[]): string | undefined {
  if (bits.length < 2) return bits[0]
  const half = bits.length >> 1
  return `(${joined(bits.slice(0, half))} | ${joined(bits.slice(half))})`
}
