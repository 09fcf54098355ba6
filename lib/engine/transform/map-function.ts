/**
 * Runs the user's `mapRows` and `mapBatches` inside the engine's query, as scalar functions over whole vectors, so that
 * columns the function neither reads nor writes never leave the engine.
 *
 * A query's shape is fixed before it runs, but what a function does is not known then. It is taken to add its `adds` to
 * each row; when it drops a row, returns several or changes another column, that is learned, the query fails, and is
 * run again in the shape that allows it. Each worker learns each thing once.
 */
import {
  BIGINT,
  type DuckDBConnection,
  DuckDBScalarFunction,
  type DuckDBScalarFunctionInfo,
  DuckDBStructType,
  type DuckDBType,
  LIST,
} from '@duckdb/node-api'
import type { MapBatchesStep, MapRowsStep } from '../../define/definition.ts'
import { type CodeRejectFile, writeCodeRejects } from './code-rejects.ts'
import { batchFunction } from './map-batches.ts'
import {
  type ChunkFunction,
  NeedsMember,
  type Origin,
  ownContext,
  type RejectRow,
  Relearn,
  RowRejected,
} from './map-context.ts'
import { targetOf } from './map-result.ts'
import { type Learned, rowFunction } from './map-rows.ts'
import type { SchemaColumn } from './transform.ts'

/** What a query needs to know of a registered function. */
export interface MapCall {
  readonly name: string
  readonly isMany: boolean
  /** Columns that its result holds. */
  readonly writes: readonly string[]
}

/** The map functions of one task in one worker. */
export interface MapFunctions {
  register(step: MapRowsStep | MapBatchesStep, given: readonly SchemaColumn[], options: MapOptions): MapCall
  /** Says which member the rows of the next query are of; undefined when they are of several. */
  enter(origin: Origin | undefined): void
  /** Whether a function has ever asked for its row's member. */
  readonly isByMember: boolean
  /** Whether a function has ever rejected a row. */
  readonly hasRejected: boolean
  /** Writes what functions that have the place of their rows reject to a file, until it is closed. */
  keepRejects(path: string): CodeRejectFile
  /**
   * What made the last query fail, if a function did; asking forgets it. `learned` means: build the query again;
   * `needsMember`: with the rows of one member.
   */
  takeFault(): MapFault | undefined
}

export interface MapOptions {
  /** Of the step in its transform. */
  readonly index: number
  /** The place of each row is one more argument, and rows that the function rejects are kept apart. */
  readonly isPlaced: boolean
}

export interface MapFault {
  /** A function rejected a row that has no place. */
  readonly isReject?: boolean
  readonly learned: boolean
  readonly needsMember: boolean
  readonly error?: Error
}

/** After a query that failed: returns when it can be built again with what was learned. @throws what a function made it fail with */
export function learnOrThrow(maps: MapFunctions, error: unknown): void {
  const fault = maps.takeFault()
  if (fault?.error) throw fault.error
  if (fault?.needsMember) throw new NeedsMember()
  if (fault?.isReject) throw new RowRejected('a function rejected a row')
  if (!fault?.learned) throw error
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
  let hasRejected = false
  let rejects: CodeRejectFile | undefined
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
          : error instanceof RowRejected
            ? { learned: false, needsMember: false, isReject: true }
            : { learned: false, needsMember: false, error: error as Error }
    info.setError('fanmill: a map function stopped the query')
  }
  const rejectRow = (placeAt: number | undefined): RejectRow => {
    return (chunk, row, reason) => {
      hasRejected = true
      if (placeAt === undefined || !rejects) throw new RowRejected(reason)
      rejects.add(chunk.getColumnVector(placeAt).getItem(row) as bigint, reason)
    }
  }
  return {
    register(step, given, { index, isPlaced }) {
      const traits = learned.get(index) ?? { isMany: false, changes: new Set<string>() }
      learned.set(index, traits)
      const added = typesOf(step)
      const changed = given.filter(
        column => traits.changes.has(column.name) && !added.some(each => each.name === column.name),
      )
      const writes = [...added, ...changed]
      const name = `fanmill_map_${index}_${traits.isMany ? 'many' : 'one'}_${changed.length}${isPlaced ? '_placed' : ''}`
      const call = { name, isMany: traits.isMany, writes: writes.map(column => column.name) }
      const key = `${name}(${given.map(column => `${column.name} ${column.type}`).join()})`
      if (registered.has(key)) return registered.get(key) as MapCall
      const tools = { own, traits, reject: rejectRow(isPlaced ? given.length : undefined) }
      const targets = writes.map(column => targetOf(column, step))
      const run =
        step.kind === 'mapRows' ? rowFunction(step, given, writes, tools) : batchFunction(step, given, targets, tools)
      const types = [...given.map(column => column.type), ...(isPlaced ? [BIGINT] : [])]
      connection.registerScalarFunction(scalarFunction(name, types, writes, traits.isMany, run, fail))
      registered.set(key, call)
      return call
    },
    enter(next) {
      origin = next
    },
    get isByMember() {
      return isByMember
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

function scalarFunction(
  name: string,
  parameterTypes: readonly DuckDBType[],
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
    parameterTypes,
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
