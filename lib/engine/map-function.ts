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
  DuckDBScalarFunction,
  type DuckDBScalarFunctionInfo,
  DuckDBStructType,
  type DuckDBStructVector,
  type DuckDBType,
  LIST,
  listValue,
  structValue,
} from '@duckdb/node-api'
import { PermanentError } from '../core/errors.ts'
import type { MapBatchesStep, MapRowsStep } from '../define/definition.ts'
import { batchFunction } from './map-batches.ts'
import { type ChunkFunction, type Origin, type OwnContext, ownContext, Relearn } from './map-context.ts'
import { callUser, isRecord, kindOf, present, targetOf, unknownKey, write } from './map-result.ts'
import { createRowView } from './row-view.ts'
import type { SchemaColumn } from './transform.ts'
import { isSameValue } from './vector-values.ts'

/** What a query needs to know of a registered function. */
export interface MapCall {
  readonly name: string
  readonly isMany: boolean
  /** Columns that its result holds. */
  readonly writes: readonly string[]
}

/** The map functions of one task in one worker. */
export interface MapFunctions {
  register(step: MapRowsStep | MapBatchesStep, given: readonly SchemaColumn[], index: number): MapCall
  /** Says which member the rows of the next query are of; undefined when they are of several. */
  enter(origin: Origin | undefined): void
  /** Whether a function has ever asked for its row's member. */
  readonly isByMember: boolean
  /**
   * What made the last query fail, if a function did; asking forgets it. `learned` means: build the query again;
   * `needsMember`: with the rows of one member.
   */
  takeFault(): MapFault | undefined
}

export interface MapFault {
  readonly learned: boolean
  readonly needsMember: boolean
  readonly error?: Error
}

interface Learned {
  isMany: boolean
  readonly changes: Set<string>
}

export function createMapFunctions(
  connection: DuckDBConnection,
  context: unknown,
  typesOf: (step: MapRowsStep | MapBatchesStep) => readonly SchemaColumn[],
): MapFunctions {
  const learned = new Map<number, Learned>()
  const registered = new Map<string, MapCall>()
  let fault: MapFault | undefined
  let origin: Origin | undefined
  let isByMember = false
  const own = ownContext(context, field => {
    isByMember = true
    if (!origin) return undefined
    // The name of a file that is no member is its key.
    return field === 'member' && origin.member === '' ? origin.archive : origin[field]
  })
  const fail = (info: DuckDBScalarFunctionInfo, error: unknown): void => {
    if (own.wasRefused) fault ??= { learned: false, needsMember: true }
    else
      fault ??=
        error instanceof Relearn
          ? { learned: true, needsMember: false }
          : { learned: false, needsMember: false, error: error as Error }
    info.setError('fanmill: a map function stopped the query')
  }
  return {
    register(step, given, index) {
      const traits = learned.get(index) ?? { isMany: false, changes: new Set<string>() }
      learned.set(index, traits)
      const added = typesOf(step)
      const changed = given.filter(
        column => traits.changes.has(column.name) && !added.some(each => each.name === column.name),
      )
      const writes = [...added, ...changed]
      const name = `fanmill_map_${index}_${traits.isMany ? 'many' : 'one'}_${changed.length}`
      const call = { name, isMany: traits.isMany, writes: writes.map(column => column.name) }
      const key = `${name}(${given.map(column => `${column.name} ${column.type}`).join()})`
      if (registered.has(key)) return registered.get(key) as MapCall
      const run = chunkFunction(step, given, writes, traits, own)
      connection.registerScalarFunction(scalarFunction(name, given, writes, traits.isMany, run, fail))
      registered.set(key, call)
      return call
    },
    enter(next) {
      origin = next
    },
    get isByMember() {
      return isByMember
    },
    takeFault() {
      const taken = fault
      fault = undefined
      own.wasRefused = false
      return taken
    },
  }
}

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
  own: OwnContext,
): ChunkFunction {
  const targets = writes.map(column => targetOf(column, step))
  if (step.kind === 'mapBatches') return batchFunction(step, given, targets, own)
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
  return (chunk, output) => {
    view.enter(chunk)
    for (let row = 0; row < chunk.rowCount; row++) {
      view.at(row)
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
        ;(output as { setItem(row: number, value: unknown): void }).setItem(row, listValue(items as never))
        continue
      }
      if (result === null || Array.isArray(result)) {
        traits.isMany = true
        throw new Relearn()
      }
      const values = fields(result === view.row ? {} : (result as Readonly<Record<string, unknown>>), row)
      for (let at = 0; at < values.length; at++)
        (output as DuckDBStructVector).setItemValue(row, at, values[at] as never)
    }
  }
}

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
