/** Joins the files of an exchange that two stages wrote: those of the left and of the right side. */
import { hasRight, type JoinStep, keepsUnmatched } from '../../define/join-definition.ts'
import { PermanentError } from '../../errors/errors.ts'
import { keyTypes } from '../../model/key-types.ts'
import type { SchemaColumn } from '../../model/manifest.ts'
import type { SideColumns } from '../../model/plan-data.ts'
import type { StagedFile } from '../../stage/stage.ts'
import type { ConvertJob } from '../conversion.ts'
import { quoteName } from '../duckdb/quote.ts'
import { exchangeRead } from './exchange-read.ts'
import { scan } from './parquet-describe.ts'
import { emptyRead, type ReadColumn } from './read-columns.ts'

/** A column of the join: its name and type, and the SQL of its values. */
interface JoinedColumn extends ReadColumn {
  readonly sql: string
}

/** Returns the columns of the rows of a join. @throws DEFINITION_INVALID for names that both sides have */
export const joinedColumns = (join: JoinStep, sides: SideColumns): ReadColumn[] =>
  columnsOf(join, sides).map(({ name, type }) => ({ name, type }))

/** Returns the query of the rows that the files of both sides have together. Rows of one key are in one conversion. */
export function joinRead(join: JoinStep, { files, sides = [[], []] }: Pick<ConvertJob, 'files' | 'sides'>): string {
  const [left, right] = sides.map((columns, side) =>
    sideRead(
      columns,
      files.filter(file => file.side === side),
    ),
  )
  const list = columnsOf(join, sides).map(({ name, sql }) => `${sql} AS ${quoteName(name)}`)
  const types = typesOf(join, sides)
  const on = join.on.map(
    (key, at) => `${converted('l', key.left, types[at])} = ${converted('r', key.right, types[at])}`,
  )
  return `SELECT ${list.join(', ')} FROM (${left}) AS l ${join.how.toUpperCase()} JOIN (${right}) AS r ON ${on.join(' AND ')}`
}

function sideRead(columns: readonly SchemaColumn[], files: readonly StagedFile[]): string {
  if (files.length === 0) return emptyRead(columns, { provenance: [], keepNew: false })
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

function columnsOf(join: JoinStep, sides: SideColumns): JoinedColumn[] {
  const { on, how, prefix } = join
  const [left, right] = sides
  const types = typesOf(join, sides)
  const ofLeft = left.map(({ name, type }): JoinedColumn => {
    const at = on.findIndex(key => key.left === name)
    const key = on[at]
    if (!key || !keepsUnmatched(how, 'right')) return { name, type, sql: `l.${quoteName(name)}` }
    // Rows of the right side alone have the key there.
    const sql = `coalesce(${converted('l', key.left, types[at])}, ${converted('r', key.right, types[at])})`
    return { name, type: types[at] as string, sql }
  })
  if (!hasRight(how)) return ofLeft
  const others = right.filter(({ name }) => !on.some(key => key.right === name))
  const taken = new Set(left.map(({ name }) => name.toLowerCase()))
  const ofRight = others.map(({ name, type }): JoinedColumn => {
    const isTaken = taken.has(name.toLowerCase())
    return { name: isTaken && prefix ? prefix + name : name, type, sql: `r.${quoteName(name)}` }
  })
  checkNames([...ofLeft, ...ofRight])
  return [...ofLeft, ...ofRight]
}

function checkNames(columns: readonly JoinedColumn[]): void {
  const names = columns.map(({ name }) => name.toLowerCase())
  const twice = columns.find(({ name }, at) => names.indexOf(name.toLowerCase()) < at)
  if (!twice) return
  const message = `joinOf: expected columns of different names on both sides, besides those of the key, got ${twice.name} on both; set prefix, or leave it out with partitionsOf(side, { columns })`
  throw new PermanentError('DEFINITION_INVALID', message, { column: twice.name })
}
