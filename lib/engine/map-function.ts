/**
 * Runs the user's `mapRows` and `mapBatches` inside the engine's query, as scalar functions over whole vectors, so that
 * columns the function neither reads nor writes never leave the engine.
 *
 * A query's shape is fixed before it runs, but what a function does is not known then. It is taken to add its `adds` to
 * each row; when it drops a row, returns several or changes another column, that is learned, the query fails, and is
 * run again in the shape that allows it. Each worker learns each thing once.
 */
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBScalarFunctionInfo,
  DuckDBStructType,
  type DuckDBStructVector,
  type DuckDBType,
  type DuckDBVector,
  LIST,
  listValue,
  structValue,
} from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import type { MapBatchesStep, MapRowsStep } from '../define/definition.ts'
import { createRowView } from './row-view.ts'
import type { SchemaColumn } from './transform.ts'
import { type ToVector, UnfitValue, valueReader, valueWriter } from './vector-values.ts'

/** What a query needs to know of a registered function. */
export interface MapCall {
  readonly name: string
  /** Arguments before the row's columns. */
  readonly prefix: readonly string[]
  readonly isMany: boolean
  /** Columns that its result holds. */
  readonly writes: readonly string[]
}

/** The map functions of one task in one worker. */
export interface MapFunctions {
  register(step: MapRowsStep | MapBatchesStep, given: readonly SchemaColumn[], index: number): MapCall
  /** What made the last query fail, if a function did; asking forgets it. `learned` means: build the query again. */
  takeFault(): { readonly learned: boolean; readonly error?: Error } | undefined
}

interface Learned {
  isMany: boolean
  readonly changes: Set<string>
}

/** Thrown through a query to have it built again with what was learned. */
class Relearn extends Error {}

export function createMapFunctions(
  connection: DuckDBConnection,
  context: unknown,
  typesOf: (step: MapRowsStep | MapBatchesStep) => readonly SchemaColumn[],
): MapFunctions {
  const learned = new Map<number, Learned>()
  const registered = new Map<string, MapCall>()
  let fault: { learned: boolean; error?: Error } | undefined
  const fail = (info: DuckDBScalarFunctionInfo, error: unknown): void => {
    fault ??= error instanceof Relearn ? { learned: true } : { learned: false, error: error as Error }
    info.setError('fanmill: a map function stopped the query')
  }
  return {
    register(step, given, index) {
      const traits = learned.get(index) ?? { isMany: false, changes: new Set<string>() }
      learned.set(index, traits)
      const added = typesOf(step)
      const changed = given.filter(column => traits.changes.has(column.name) && !added.some(each => each.name === column.name))
      const writes = [...added, ...changed]
      const name = `fanmill_map_${index}_${traits.isMany ? 'many' : 'one'}_${changed.length}`
      const call = { name, prefix: [], isMany: traits.isMany, writes: writes.map(column => column.name) }
      const key = `${name}(${given.map(column => `${column.name} ${column.type}`).join()})`
      if (registered.has(key)) return registered.get(key) as MapCall
      const run = chunkFunction(step, given, writes, traits, context)
      connection.registerScalarFunction(scalarFunction(name, given, writes, traits.isMany, run, fail))
      registered.set(key, call)
      return call
    },
    takeFault() {
      const taken = fault
      fault = undefined
      return taken
    },
  }
}

type ChunkFunction = (chunk: DuckDBDataChunk, output: DuckDBVector) => void

function scalarFunction(
  name: string,
  given: readonly SchemaColumn[],
  writes: readonly SchemaColumn[],
  isMany: boolean,
  run: ChunkFunction,
  fail: (info: DuckDBScalarFunctionInfo, error: unknown) => void,
): DuckDBScalarFunction {
  const struct = new DuckDBStructType(
    writes.map(column => column.name),
    writes.map(column => column.type),
  )
  return DuckDBScalarFunction.create({
    name,
    parameterTypes: given.map(column => column.type),
    returnType: (isMany ? LIST(struct) : struct) as DuckDBType,
    specialHandling: true,
    volatile: true,
    mainFunction: (info, chunk, output) => {
      try {
        run(chunk, output)
        output.flush()
      } catch (error) {
        fail(info, error)
      }
    },
  })
}

function chunkFunction(
  step: MapRowsStep | MapBatchesStep,
  given: readonly SchemaColumn[],
  writes: readonly SchemaColumn[],
  traits: Learned,
  context: unknown,
): ChunkFunction {
  const writers = writes.map(column => valueWriter(column.type))
  if (step.kind === 'mapBatches') return batchFunction(step, given, writes, writers, context)
  const view = createRowView(given)
  const columns = new Map(given.map((column, index) => [column.name, index]))
  const names = writes.map(column => column.name)
  const map = step.map as (row: unknown, context: unknown) => unknown
  const fields = (result: Readonly<Record<string, unknown>>, row: number): unknown[] => {
    for (const key in result) checkKey(key, result[key], names, columns, view, traits)
    return names.map((name, at) => {
      const value = name in result ? result[name] : columns.has(name) ? view.value(columns.get(name) as number) : null
      return write(writers[at] as ToVector, value, name, row)
    })
  }
  return (chunk, output) => {
    view.enter(chunk, 0)
    for (let row = 0; row < chunk.rowCount; row++) {
      view.at(row)
      const result = callUser(() => map(view.row, context), row)
      if (traits.isMany) {
        const rows = result === null ? [] : Array.isArray(result) ? result : [result]
        const items = rows.map(each => structValue(entries(names, fields(each === view.row ? {} : each, row))))
        ;(output as { setItem(row: number, value: unknown): void }).setItem(row, listValue(items as never))
        continue
      }
      if (result === null || Array.isArray(result)) {
        traits.isMany = true
        throw new Relearn()
      }
      const values = fields(result === view.row ? {} : (result as Readonly<Record<string, unknown>>), row)
      for (let at = 0; at < values.length; at++) (output as DuckDBStructVector).setItemValue(row, at, values[at] as never)
    }
  }
}

const entries = (names: readonly string[], values: readonly unknown[]): never =>
  Object.fromEntries(names.map((name, at) => [name, values[at]])) as never

type RowResult = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[] | null

function callUser(call: () => unknown, row: number): RowResult {
  let result: unknown
  try {
    result = call()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new PermanentError('TRANSFORM_FAILED', `the mapRows function threw: ${message}`, { row }, { cause: error })
  }
  if (typeof result === 'object' && !(result instanceof Promise)) return result as RowResult
  const got = result instanceof Promise ? 'a promise (mapRows is synchronous; fetch in setup or rowsFrom)' : typeof result
  throw new PermanentError('TRANSFORM_FAILED', `mapRows: expected an object, an array of objects or null, got ${got}`, { row })
}

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
  if (column === undefined)
    throw new PermanentError('TRANSFORM_FAILED', `mapRows returned ${key}, which is neither a column nor in adds; add ${key}: column.…() to adds`, { key })
  const own = view.value(column)
  if (value === own || (value instanceof Date && own instanceof Date && value.getTime() === own.getTime())) return
  if (Number.isNaN(value) && Number.isNaN(own)) return
  if (Array.isArray(value) && JSON.stringify(value) === JSON.stringify(own)) return
  traits.changes.add(key)
  throw new Relearn()
}

function write(writer: ToVector, value: unknown, name: string, row: number): unknown {
  try {
    return writer(value)
  } catch (error) {
    if (!(error instanceof UnfitValue)) throw error
    throw new PermanentError('TRANSFORM_FAILED', `column ${name}: ${error.message}`, { column: name, row })
  }
}

function batchFunction(
  step: MapBatchesStep,
  given: readonly SchemaColumn[],
  writes: readonly SchemaColumn[],
  writers: readonly ToVector[],
  context: unknown,
): ChunkFunction {
  const readers = given.map(column => valueReader(column.type))
  const map = step.map as (batch: unknown, context: unknown) => unknown
  return (chunk, output) => {
    const columns: Record<string, unknown> = {}
    for (const [index, { name }] of given.entries()) defineColumn(columns, name, chunk, index, readers)
    const batch = { rowCount: chunk.rowCount, columns }
    const result = callUser(() => map(batch, context), 0) as unknown as Readonly<Record<string, unknown>>
    for (const [at, { name }] of writes.entries()) {
      const values = result[name]
      if (!Array.isArray(values) || values.length !== chunk.rowCount)
        throw new PermanentError('TRANSFORM_FAILED', `mapBatches: expected ${chunk.rowCount} values in ${name}, got ${Array.isArray(values) ? values.length : typeof values}`, { column: name })
      for (let row = 0; row < values.length; row++)
        (output as DuckDBStructVector).setItemValue(row, at, write(writers[at] as ToVector, values[row], name, row) as never)
    }
  }
}

/** A column's values are made when the function first asks for them. */
function defineColumn(
  columns: Record<string, unknown>,
  name: string,
  chunk: DuckDBDataChunk,
  index: number,
  readers: readonly ((vector: DuckDBVector, row: number) => unknown)[],
): void {
  let values: unknown[] | undefined
  Object.defineProperty(columns, name, {
    enumerable: true,
    get: () => {
      if (values) return values
      const vector = chunk.getColumnVector(index)
      values = Array.from({ length: chunk.rowCount }, (_, row) => readers[index]?.(vector, row))
      return values
    },
  })
}
