/**
 * Runs the user's `mapRows` and `mapBatches` inside the engine's query, as scalar functions over whole vectors, so that
 * columns that a function neither reads nor writes never leave the engine.
 *
 * The shape of a query is fixed before it runs, but not yet known for a function. At first a function is expected to add
 * its `adds` to each row. When it drops a row, returns several or changes another column, the query fails, and runs again
 * with a shape that allows it. Each worker learns each of these things once.
 */
import { BIGINT, type DuckDBConnection, DuckDBStructType, type DuckDBType, LIST } from '@duckdb/node-api'
import type { MapBatchesStep, MapRowsStep } from '../../define/definition.ts'
import { registerChunkFunction } from '../../duckdb/chunk-function.ts'
import { columnNames, type EngineColumn } from '../../duckdb/engine-column.ts'
import type { MemberPlace } from '../../model/member-place.ts'
import { type CodeRejectFile, writeCodeRejects } from './code-rejects.ts'
import { keyBatchFunction, listTypes } from './key-batches.ts'
import { batchFunction } from './map-batches.ts'
import { NeedsMember, ownContext, type RejectRow, RowRejected, ShapeChanged } from './map-context.ts'
import { targetOf } from './map-result.ts'
import { rowFunction, type Shape } from './map-rows.ts'

/** How a query calls a registered function. */
export interface MapCall {
  readonly name: string
  /** The result is a list of rows. */
  readonly isMany: boolean
  readonly writes: readonly string[]
}

/** The map functions of one task in one worker. */
export interface MapFunctions {
  register(step: MapRowsStep | MapBatchesStep, given: readonly EngineColumn[], options: MapOptions): MapCall
  /** Sets the member of the next query's rows; undefined when they are of several. */
  enter(origin: MemberPlace | undefined): void
  readonly isByMember: boolean
  forgetMember(): void
  readonly hasRejected: boolean
  /** Writes to a file what functions reject that have the place of their rows, until the file is closed. */
  keepRejects(path: string): CodeRejectFile
  /** Returns the error with which a function made the last query fail, and forgets it. */
  takeFault(): Error | undefined
}

export interface MapOptions {
  readonly index: number
  /** Passes the place of each row as one more argument, and keeps rows that the function rejects apart. */
  readonly isPlaced: boolean
  /** Each call of `mapBatches` has all rows of a key, which are lists in one row. Default false. */
  readonly isByKey?: boolean
}

/** Returns after a failed query that must be built again. @throws the error with which a function made it fail, else the given one */
export function learnOrThrow(maps: MapFunctions, error: unknown): void {
  const fault = maps.takeFault()
  if (!(fault instanceof ShapeChanged)) throw fault ?? error
}

export function createMapFunctions(
  connection: DuckDBConnection,
  context: unknown,
  addedBy: (step: MapRowsStep | MapBatchesStep) => readonly EngineColumn[],
): MapFunctions {
  const shapes = new Map<number, Shape>()
  const registered = new Map<string, MapCall>()
  let fault: Error | undefined
  let origin: MemberPlace | undefined
  let isByMember = false
  let hasRejected = false
  let rejects: CodeRejectFile | undefined
  const own = ownContext(context, field => {
    isByMember = true
    if (!origin) return undefined
    // A file that is not a member is named by its key.
    return field === 'member' && origin.member === '' ? origin.archive : origin[field]
  })
  const onError = (error: Error): void => {
    fault ??= own.wasRefused ? new NeedsMember() : error
  }
  const rejectRow = (placeAt: number | undefined): RejectRow => {
    return (chunk, row, reason) => {
      hasRejected = true
      if (placeAt === undefined || !rejects) throw new RowRejected(reason)
      rejects.add(chunk.getColumnVector(placeAt).getItem(row) as bigint, reason)
    }
  }
  return {
    register(step, given, { index, isPlaced, isByKey = false }) {
      const shape = shapes.get(index) ?? { isMany: false, changes: new Set<string>() }
      shapes.set(index, shape)
      const added = addedBy(step)
      const changed = given.filter(
        column => shape.changes.has(column.name) && !added.some(each => each.name === column.name),
      )
      const writes = [...added, ...changed]
      const isMany = shape.isMany || isByKey
      const name = `fanmill_map_${index}_${isMany ? 'many' : 'one'}_${changed.length}${isPlaced ? '_placed' : ''}${isByKey ? '_key' : ''}`
      const key = `${name}(${given.map(column => `${column.name} ${column.type}`).join()})`
      const known = registered.get(key)
      if (known) return known
      const tools = { own, shape, reject: rejectRow(isPlaced ? given.length : undefined) }
      const targets = writes.map(column => targetOf(column, step))
      const run =
        step.kind === 'mapRows'
          ? rowFunction(step, given, targets, tools)
          : isByKey
            ? keyBatchFunction(step, given, targets, own)
            : batchFunction(step, given, targets, tools)
      const columnTypes = isByKey ? listTypes(given) : given.map(column => column.type)
      const parameterTypes = [...columnTypes, ...(isPlaced ? [BIGINT] : [])]
      const returnType = isMany ? LIST(structOf(writes)) : structOf(writes)
      registerChunkFunction(connection, { name, parameterTypes, returnType, run, onError })
      const call = { name, isMany, writes: columnNames(writes) }
      registered.set(key, call)
      return call
    },
    enter(next) {
      origin = next
    },
    get isByMember() {
      return isByMember
    },
    forgetMember() {
      isByMember = false
    },
    get hasRejected() {
      return hasRejected
    },
    keepRejects(path) {
      const file = writeCodeRejects(path)
      rejects = file
      return {
        ...file,
        close() {
          rejects = undefined
          file.close()
        },
      }
    },
    takeFault() {
      const taken = fault
      fault = undefined
      own.wasRefused = false
      return taken
    },
  }
}

const structOf = (columns: readonly EngineColumn[]): DuckDBType =>
  new DuckDBStructType(
    columnNames(columns),
    columns.map(column => column.type),
  )
