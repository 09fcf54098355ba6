/** Builds outputs that a function of the user writes: into a database, a queue, an API. */
import * as v from 'valibot'
import { check, options } from '../check.ts'
import type { AnyRow, MapContext } from '../columns/row-types.ts'
import type { ParamValues } from '../definition.ts'
import { type Refined, refinable } from '../freeze.ts'
import { anyFunction, count, oneOf } from '../schemas.ts'
import type { UsedColumns } from './output.ts'
import type { SinkOutput } from './output-definition.ts'

/** The context of `write`: parameters, secrets, log, the abort signal, what `setup` returned as `state`, and the key of these rows. */
// biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked where the compiler cannot know what setup returned
export interface SinkContext extends Omit<MapContext<ParamValues, any>, 'member' | 'archive'> {
  /**
   * The name of these rows, `{runId}/{attempt}/{batch}/{piece}`: every try of the run that writes this key writes the same rows, on
   * any number of workers.
   */
  readonly key: string
}

/** The options of `sink`. All but `write` have defaults. */
export interface SinkOptions<Row> extends Partial<Pick<SinkOutput, 'batchRows' | 'concurrency'>> {
  /**
   * Writes rows of one key. It runs in a worker thread after the whole batch was converted, and may be called again for the same
   * key: let it insert or update by a key of the rows, or keep `context.key` beside them. An error fails the batch; a
   * `TransientError` and errors of the network are tried again. Required.
   * @example write: (rows, { state }) => state.upsert(rows)
   */
  readonly write: (rows: readonly Row[], context: SinkContext) => unknown
  /**
   * Returns whether the rows of `context.key` are there already, so that they are not written. Default they never are.
   * @example isDone: ({ key, state }) => state.hasKey(key)
   */
  readonly isDone?: (context: SinkContext) => boolean | Promise<boolean>
  /**
   * The rows that are written when inputs were added: `replace` writes the rows of all inputs again, `append` only those of new inputs.
   * Default `replace`.
   * @example mode: 'append'
   */
  readonly mode?: 'replace' | 'append'
}

/** A sink whose columns the compiler knows. */
export type Sink<Row = AnyRow> = Refined<SinkOutput, SinkOptions<Row>> & UsedColumns<NamesOf<Row>>

type NamesOf<Row> = string extends keyof Row ? never : keyof Row & string

/**
 * Writes the rows with a function, for instance into a database. Each row is written at least once, also rows of a run whose commit
 * fails then. Its type argument names the columns that the function reads; they must be among those of the task.
 * @example sink<{ id: number; city: string | null }>({ write: (rows, { state }) => state.upsert(rows) })
 * @throws DEFINITION_INVALID
 */
export function sink<Row extends object = AnyRow>(given: SinkOptions<Row>): Sink<Row> {
  const { write, isDone, batchRows = 1000, concurrency, mode = 'replace' } = check('sink', sinkOptions, given)
  const data = { kind: 'sink', path: recordPath, mode, write, isDone, batchRows, concurrency } as SinkOutput
  return refinable<SinkOutput, SinkOptions<Row>>(data, given, sink) as Sink<Row>
}

/** The place where the state records what was written: as the manifest of a dataset without parts, of its own for each set of parameters. */
const recordPath = '.fanmill/sinks/{task}/{salt}'

const sinkOptions = options(
  {
    write: anyFunction,
    isDone: v.optional(anyFunction),
    batchRows: v.optional(count(1)),
    concurrency: v.optional(count(1)),
    mode: v.optional(oneOf(['replace', 'append'])),
  },
  { rows: 'write', load: 'write', done: 'isDone', batchSize: 'batchRows', path: 'write' },
)
