/** Joins the rows of two sides: files of an exchange that two stages wrote, or parts of two datasets. */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Step } from '../../define/definition.ts'
import { hasRight, type JoinStep, joinSides, keepsUnmatched } from '../../define/steps/join-definition.ts'
import { columnNames } from '../../duckdb/engine-column.ts'
import { quoteName } from '../../duckdb/quote.ts'
import { engineName } from '../../errors/engine-name.ts'
import { PermanentError } from '../../errors/errors.ts'
import { keyTypes } from '../../model/key-types.ts'
import type { SchemaColumn } from '../../model/outcome/manifest.ts'
import type { SideColumns } from '../../model/plan-data.ts'
import type { StagedFile } from '../../stage/staged-file.ts'
import type { ConvertJob } from '../conversion.ts'
import { exchangeRead } from './exchange-read.ts'
import { describeParquet, scan } from './parquet/describe.ts'
import { parquetRead } from './parquet/read.ts'
import { emptyRead, type ReadColumn } from './read-columns.ts'
import { usedColumns } from './used-columns.ts'

/** A column of the join: its name and type, the SQL of its values, and where they come from. */
interface JoinedColumn extends ReadColumn {
  readonly sql: string
  readonly side: number
  readonly own: string
}

/**
 * Returns the columns of the rows of a join, only those that are `used`. Their names depend on all columns of both sides.
 * @throws DEFINITION_INVALID for names that both sides have
 */
export const joinedColumns = (join: JoinStep, sides: SideColumns, used = sides): ReadColumn[] =>
  usedOf(columnsOf(join, sides), used).map(({ name, type }) => ({ name, type }))

/**
 * Returns the columns of both sides that are read: those of the key, and those that the steps use, or all where that is not known. @throws DEFINITION_INVALID for names that both sides have
 */
export async function usedSides(
  connection: DuckDBConnection,
  join: JoinStep,
  { steps, sides }: { readonly steps: readonly Step[]; readonly sides: SideColumns },
): Promise<SideColumns> {
  const joined = columnsOf(join, sides)
  const used = await usedColumns(connection, steps, columnNames(joined))
  const isUsed = ({ name }: JoinedColumn): boolean => used?.includes(name) ?? true
  const read = joinSides.map((side, at) => {
    const names = new Set([
      ...join.on.map(key => key[side]),
      ...joined.filter(column => column.side === at && isUsed(column)).map(({ own }) => own),
    ])
    return sides[at]?.filter(({ name }) => names.has(name)) ?? []
  })
  return [read[0] ?? [], read[1] ?? []]
}

/** Returns the query of the rows that the files of both sides have together. Rows of one key are in one conversion, or all of one side. */
export async function joinRead(
  connection: DuckDBConnection,
  join: JoinStep,
  { files, sides = [[], []], usedSides = sides }: Pick<ConvertJob, 'files' | 'sides' | 'usedSides'>,
): Promise<string> {
  const reads = usedSides.map((columns, side) =>
    sideRead(
      connection,
      columns,
      files.filter(file => file.side === side),
    ),
  )
  const [left, right] = await Promise.all(reads)
  const list = usedOf(columnsOf(join, sides), usedSides).map(({ name, sql }) => `${sql} AS ${quoteName(name)}`)
  const types = typesOf(join, sides)
  const on = join.on.map(
    (key, at) => `${converted('l', key.left, types[at])} = ${converted('r', key.right, types[at])}`,
  )
  return `SELECT ${list.join(', ')} FROM (${left}) AS l ${join.how.toUpperCase()} JOIN (${right}) AS r ON ${on.join(' AND ')}`
}

const nothingElse = { provenance: [], keepNew: false }

async function sideRead(
  connection: DuckDBConnection,
  columns: readonly SchemaColumn[],
  files: readonly StagedFile[],
): Promise<string> {
  if (files.length === 0) return emptyRead(columns, nothingElse)
  // Parts of a dataset have partitions, and may lack columns that were added later.
  if (files.every(({ parquet }) => parquet))
    return parquetRead(await describeParquet(connection, files), {
      columns,
      strict: true,
      dataset: columns,
      ...nothingElse,
    })
  return exchangeRead(scan(files.map(({ file }) => file)), columns)
}

function typesOf({ on }: JoinStep, [left, right]: SideColumns): readonly string[] {
  const find = (columns: readonly SchemaColumn[], name: string): SchemaColumn => {
    const found = columns.find(column => column.name === name)
    if (!found) throw new PermanentError('STATE_INVALID', `expected the column ${name} of a key in the rows of a join`)
    return found
  }
  return keyTypes(on.map(key => [find(left, key.left), find(right, key.right)]))
}

/** Returns a column of the key in the type in which both sides are compared, as it was hashed. */
const converted = (side: 'l' | 'r', name: string, type: string | undefined): string =>
  `CAST(${side}.${quoteName(name)} AS ${type})`

const usedOf = (columns: readonly JoinedColumn[], used: SideColumns): JoinedColumn[] =>
  columns.filter(({ side, own }) => used[side]?.some(({ name }) => name === own))

function columnsOf(join: JoinStep, sides: SideColumns): JoinedColumn[] {
  const { on, how, prefix } = join
  const [left, right] = sides
  const types = typesOf(join, sides)
  const ofLeft = left.map(({ name, type }): JoinedColumn => {
    const at = on.findIndex(key => key.left === name)
    const key = on[at]
    const from = { side: 0, own: name }
    if (!key || !keepsUnmatched(how, 'right')) return { name, type, sql: `l.${quoteName(name)}`, ...from }
    // Rows of the right side alone have the key there.
    const sql = `coalesce(${converted('l', key.left, types[at])}, ${converted('r', key.right, types[at])})`
    return { name, type: types[at] as string, sql, ...from }
  })
  if (!hasRight(how)) return ofLeft
  const others = right.filter(({ name }) => !on.some(key => key.right === name))
  const taken = new Set(left.map(({ name }) => engineName(name)))
  const ofRight = others.map(({ name, type }): JoinedColumn => {
    const isTaken = taken.has(engineName(name))
    const sql = `r.${quoteName(name)}`
    return { name: isTaken && prefix ? prefix + name : name, type, sql, side: 1, own: name }
  })
  checkNames([...ofLeft, ...ofRight])
  return [...ofLeft, ...ofRight]
}

function checkNames(columns: readonly JoinedColumn[]): void {
  const names = columns.map(({ name }) => engineName(name))
  const twice = columns.find(({ name }, at) => names.indexOf(engineName(name)) < at)
  if (!twice) return
  const message = `joinOf: expected columns of different names on both sides, besides those of the key, got ${twice.name} on both; set prefix, or leave it out with partitionsOf(side, { columns })`
  throw new PermanentError('DEFINITION_INVALID', message, { column: twice.name })
}
