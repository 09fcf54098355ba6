/** Runs the user's `mapRows` over the rows of a chunk, one after another. */
import { type DuckDBStructVector, type DuckDBVector, listValue, structValue } from '@duckdb/node-api'
import type { MapRowsStep } from '../../define/definition.ts'
import { PermanentError } from '../../errors/errors.ts'
import { type ChunkFunction, type OwnContext, type RejectRow, Relearn } from './map-context.ts'
import { callUser, isRecord, kindOf, present, rejectReason, targetOf, unknownKey, write } from './map-result.ts'
import { createRowView } from './row-view.ts'
import type { SchemaColumn } from './transform.ts'
import { isSameValue } from './vector-values.ts'

/** What is known of a function from the rows that it has seen. */
export interface Learned {
  isMany: boolean
  readonly changes: Set<string>
}

interface RowTools {
  readonly own: OwnContext
  readonly reject: RejectRow
  readonly traits: Learned
}

/** The step as a function of chunks with the columns `given`, which writes the columns of `targets`. */
export function rowFunction(
  step: MapRowsStep,
  given: readonly SchemaColumn[],
  writes: readonly SchemaColumn[],
  { own, reject, traits }: RowTools,
): ChunkFunction {
  const targets = writes.map(column => targetOf(column, step))
  const view = createRowView(given)
  const columns = new Map(given.map((column, index) => [column.name, index]))
  const names = writes.map(column => column.name)
  const map = step.map as (row: unknown, context: unknown) => unknown
  // Columns of unchanged type, whose values may pass as they are.
  const sameTyped = writes
    .map(({ name, type }) => given.findIndex(each => each.name === name && String(each.type) === String(type)))
    .map(at => (at < 0 ? undefined : at))
  const fields = (result: Readonly<Record<string, unknown>>, row: number): unknown[] => {
    for (const key in result) checkKey(key, result[key], names, columns, view, traits)
    return targets.map((target, at) => {
      const { name } = target
      const own = sameTyped[at]
      if (own !== undefined && (!(name in result) || isSameValue(result[name], view.value(own))))
        return present(target, view.item(own), row)
      const value = name in result ? result[name] : columns.has(name) ? view.value(columns.get(name) as number) : null
      return write(target, value, row)
    })
  }
  const mapRow = (row: number, output: DuckDBVector): void => {
    const result = callUser('mapRows', () => map(view.row, own.context), row)
    if (own.wasRefused) throw new Relearn()
    if (traits.isMany) {
      const rows = result === null ? [] : Array.isArray(result) ? result : [result]
      for (const each of rows)
        if (!isRecord(each))
          throw new PermanentError(
            'TRANSFORM_FAILED',
            `mapRows: expected an array of objects, got one with ${kindOf(each)}`,
            { row },
          )
      const items = rows.map(each => structValue(entries(names, fields(each === view.row ? {} : each, row))))
      setItem(output, row, listValue(items as never))
      return
    }
    if (result === null || Array.isArray(result)) {
      traits.isMany = true
      throw new Relearn()
    }
    const values = fields(result === view.row ? {} : (result as Readonly<Record<string, unknown>>), row)
    for (let at = 0; at < values.length; at++) (output as DuckDBStructVector).setItemValue(row, at, values[at] as never)
  }
  return (chunk, output) => {
    view.enter(chunk)
    for (let row = 0; row < chunk.rowCount; row++) {
      view.at(row)
      try {
        mapRow(row, output)
      } catch (error) {
        const reason = own.wasRefused ? undefined : rejectReason(error, step)
        if (reason === undefined) throw error
        reject(chunk, row, reason)
        setItem(output, row, traits.isMany ? listValue([]) : null)
      }
    }
  }
}

const setItem = (output: DuckDBVector, row: number, value: unknown): void =>
  (output as unknown as { setItem(row: number, value: unknown): void }).setItem(row, value)

const entries = (names: readonly string[], values: readonly unknown[]): never =>
  Object.fromEntries(names.map((name, at) => [name, values[at]])) as never

/** A key that the query's shape has no place for: the same value passes through, another one is learned. */
function checkKey(
  key: string,
  value: unknown,
  names: readonly string[],
  columns: ReadonlyMap<string, number>,
  view: { value(column: number): unknown },
  traits: Learned,
): void {
  if (names.includes(key)) return
  const column = columns.get(key)
  if (column === undefined) throw unknownKey('mapRows', key)
  const own = view.value(column)
  if (isSameValue(value, own)) return
  traits.changes.add(key)
  throw new Relearn()
}
