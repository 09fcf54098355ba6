/** The columns that any reading gives, and the query of no rows of them. */
import type { ColumnDefinition, Columns } from '../../define/definition.ts'
import { quoteName, quoteText } from '../duckdb/quote.ts'
import { sqlType } from './column-sql.ts'
import { provenanceType } from './provenance-sql.ts'

/** A column as it is read. */
export interface ReadColumn {
  readonly name: string
  readonly type: string
  /** Absent where none is declared. */
  readonly definition?: ColumnDefinition
}

/** What is read beside the columns. */
export interface ExtraColumns {
  /** Names of columns that say where a row comes from. */
  readonly provenance: readonly string[]
  /** Keep undeclared columns in the map column `_new`. */
  readonly keepNew: boolean
}

/** The declared columns with the engine's types. */
export const declaredColumns = (columns: Columns): ReadColumn[] =>
  Object.entries(columns).map(([name, definition]) => ({ name, type: sqlType(definition), definition }))

/** What careful readings give of each row's place when they are asked to, all as texts. */
export const placeColumns = [
  '_fanmill_member',
  '_fanmill_line',
  '_fanmill_record',
  '_fanmill_received',
  '_fanmill_text',
] as const

/** No rows, of the types that a reading gives. */
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

/** The value of `_new`: names, and SQL of their texts. */
export function newMap(texts: readonly (readonly [name: string, text: string])[]): string {
  const entries = texts.map(([name, text]) => `{'key': ${quoteText(name)}, 'value': ${text}}`)
  return entries.length === 0 ? `CAST(MAP {} AS ${newType})` : `map_from_entries([${entries.join(', ')}])`
}

/** True, once every one of the values was computed: none is dropped as unused. Of small depth, whatever their number. */
export function allRead(values: readonly string[]): string {
  const bits = values.map(value => `CAST(${value} IS NULL AS UTINYINT)`)
  return `(${joined(bits) ?? '0'}) >= 0`
}

/** A tree in place of a chain, because the engine refuses expressions of more than 1,000 levels. */
function joined(bits: readonly string[]): string | undefined {
  if (bits.length < 2) return bits[0]
  const half = bits.length >> 1
  return `(${joined(bits.slice(0, half))} | ${joined(bits.slice(half))})`
}
