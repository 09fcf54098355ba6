/** Runs the user's `mapRows` over the rows of a chunk, one after another. */
import { type DuckDBStructVector, type DuckDBVector, listValue, structValue } from '@duckdb/node-api'
import type { MapRowsStep } from '../../define/definition.ts'
import type { EngineColumn } from '../../duckdb/engine-column.ts'
import { PermanentError } from '../../errors/errors.ts'
import { type ChunkFunction, type OwnContext, type RejectRow, ShapeChanged, setItem } from './map-context.ts'
import { callUser, isRecord, kindOf, present, rejectReason, type Target, unknownKey, write } from './map-result.ts'
import { createRowView, type RowView } from './row-view.ts'
import { isSameValue } from './vector-values.ts'

/** The shape of a function's results, as far as its rows have shown it. */
export interface Shape {
  /** It has returned null or a list. */
  isMany: boolean
  /** Columns that it has changed and that are not in `adds`. */
  readonly changes: Set<string>
}

/** Returns the step as a function of chunks with the columns `given`, which writes the columns of `targets`. */
export function rowFunction(
  step: MapRowsStep,
  given: readonly EngineColumn[],
  targets: readonly Target[],
  { own, reject, shape }: { readonly own: OwnContext; readonly reject: RejectRow; readonly shape: Shape },
): ChunkFunction {
  const view = createRowView(given)
  const positions = new Map(given.map((column, index) => [column.name, index]))
  const names = targets.map(({ name }) => name)
  const known = new Set(names)
  const map = step.map as (row: unknown, context: unknown) => unknown
  const targetPositions = names.map(name => positions.get(name))
  // Positions of columns whose type stays the same, so that their values may pass as they are.
  const sameTyped = targets.map(({ type }, index) => {
    const at = targetPositions[index]
    return at !== undefined && String(given[at]?.type) === String(type) ? at : undefined
  })
  const fields = (result: Readonly<Record<string, unknown>>, row: number): unknown[] => {
    for (const key in result) if (!known.has(key)) checkKey(key, result[key], { positions, names, view, shape })
    return targets.map((target, at) => {
      const { name } = target
      const same = sameTyped[at]
      if (same !== undefined && (!has(result, name) || isSameValue(result[name], view.value(same))))
        return present(target, view.item(same), row)
      const position = targetPositions[at]
      const value = has(result, name) ? result[name] : position === undefined ? null : view.value(position)
      return write(target, value, row)
    })
  }
  /** A result that is the row itself changes nothing. */
  const fieldsOf = (result: object, row: number): unknown[] =>
    fields(result === view.row ? {} : (result as Readonly<Record<string, unknown>>), row)
  const mapRow = (row: number, output: DuckDBVector): void => {
    const result = callUser('mapRows', () => map(view.row, own.context), row)
    if (own.wasRefused) throw new ShapeChanged()
    if (shape.isMany) {
      const items = rowsOf(result, row).map(each => structValue(entries(names, fieldsOf(each, row))))
      setItem(output, row, listValue(items as never))
      return
    }
    if (result === null || Array.isArray(result)) {
      shape.isMany = true
      throw new ShapeChanged()
    }
    const values = fieldsOf(result, row)
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
        setItem(output, row, shape.isMany ? listValue([]) : null)
      }
    }
  }
}

/** Whether a result has a value for a column: also by a getter of its class, but not by what every object has, such as `constructor`. */
const has = (result: object, name: string): boolean =>
  Object.hasOwn(result, name) || (name in result && !(name in Object.prototype))

/** The rows of a result that may be null, one row or several. @throws TRANSFORM_FAILED for a list with something else than rows */
function rowsOf(result: ReturnType<typeof callUser>, row: number): readonly object[] {
  const rows: readonly object[] = result === null ? [] : Array.isArray(result) ? result : [result]
  // Found by its index, because the item may be undefined.
  const other = rows.findIndex(each => !isRecord(each))
  if (other < 0) return rows
  const got = kindOf(rows[other])
  throw new PermanentError('TRANSFORM_FAILED', `mapRows: expected an array of objects, got one with ${got}`, {
    row,
  })
}

const entries = (names: readonly string[], values: readonly unknown[]): never =>
  Object.fromEntries(names.map((name, at) => [name, values[at]])) as never

interface KnownRow {
  readonly names: readonly string[]
  readonly positions: ReadonlyMap<string, number>
  readonly view: RowView
  readonly shape: Shape
}

/** Checks a key that the query has no place for. An unchanged value passes; a changed one is learned. @throws ShapeChanged */
function checkKey(key: string, value: unknown, { positions, names, view, shape }: KnownRow): void {
  const position = positions.get(key)
  if (position === undefined) throw unknownKey('mapRows', key, [...positions.keys(), ...names])
  if (isSameValue(value, view.value(position))) return
  shape.changes.add(key)
  throw new ShapeChanged()
}
