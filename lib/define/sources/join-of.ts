/** The builder of a source that joins the rows of two datasets by key. */
import * as v from 'valibot'
import { isSameName } from '../../errors/engine-name.ts'
import { record } from '../../errors/record-schema.ts'
import { check, invalid, options } from '../check.ts'
import type { PathColumns } from '../columns/path-columns.ts'
import type { AnyRow } from '../columns/row-types.ts'
import type { JoinSource, PartitionsOfSource } from '../definition.ts'
import { frozen } from '../freeze.ts'
import { layoutOf } from '../outputs/output-kind.ts'
import { filledText, oneOf } from '../schemas.ts'
import { bucketCount } from '../steps/exchange.ts'
import type { JoinKey, JoinKind } from '../steps/join-definition.ts'
import type { Task } from '../tasks/task-type.ts'
import { type DatasetPath, partitionsOf } from './partitions-of.ts'
import type { RowOfTask } from './read-rows.ts'
import type { SourceRows } from './source-rows.ts'

/** A side of a join: a task of the pipeline, the dataset of another pipeline, or `partitionsOf` of either with `columns` and `where`. */
// biome-ignore lint/suspicious/noExplicitAny: deliberately unchecked, because any task may be a side
export type JoinInput = Task<any, any, any, any> | DatasetPath | PartitionsOfSource

/** The options of `joinOf`. */
export interface JoinOptions<On, How extends JoinKind, Prefix extends string> {
  /**
   * The columns of the key: names that both sides have, or the names of the left side with those of the right. Rows are partners when
   * all are equal; null equals nothing. Required.
   * @example joinOf({ left: orders, right: customers }, { on: ['customer'] })
   * @example joinOf({ left: flights, right: airports }, { on: { origin: 'iata' } })
   */
  readonly on: On
  /**
   * Which rows the result has. `inner`: pairs of partners. `left`: also rows of the left side without a partner. `full`: also those of
   * the right side. `semi`: rows of the left side with a partner. `anti`: rows of the left side without one. Default `inner`.
   * @example joinOf({ left: orders, right: customers }, { on: ['customer'], how: 'left' })
   */
  readonly how?: How
  /**
   * Put before the names of columns of the right side that the left side has too. Default such columns are refused.
   * @example joinOf({ left: orders, right: customers }, { on: ['customer'], prefix: 'customer_' })
   */
  readonly prefix?: Prefix
  /**
   * The number of groups into which keys are hashed, at most 65,536. With a number, rows are exchanged also where one side is small, or
   * both are kept by the key (`bucketBy`). Default by the bytes of both sides.
   * @example joinOf({ left: orders, right: customers }, { on: ['customer'], buckets: 200 })
   */
  readonly buckets?: number
}

/**
 * The rows of two datasets, joined by key. The result has the columns of the key once, with the names of the left side, then the other
 * columns of the left side, then those of the right. Both datasets may be larger than memory: their rows are exchanged by key. A side of at
 * most 10 MB of Parquet and 1,000,000 rows is read whole by each batch instead, where the rows are the same: the right side of `inner`,
 * `left`, `semi` and `anti`, the left side of `inner`.
 * @example joinOf({ left: flights, right: partitionsOf(airports, { columns: ['iata', 'state'] }) }, { on: { origin: 'iata' }, how: 'left' })
 * @throws DEFINITION_INVALID
 */
export function joinOf<
  const Left extends JoinInput,
  const Right extends JoinInput,
  const On extends OnOf<Left, Right>,
  const How extends JoinKind = 'inner',
  const Prefix extends string = '',
>(
  sides: { readonly left: Left; readonly right: Right },
  given: JoinOptions<On, How, Prefix>,
): JoinSource & PathColumns<never> & SourceRows<JoinedRow<RowsOf<Left>, RowsOf<Right>, On, How, Prefix>> {
  const { left, right } = check('joinOf', sidesSchema, sides)
  const { on, how = 'inner', prefix, buckets } = check('joinOf', joinOptions, given)
  const data: JoinSource = {
    kind: 'joinOf',
    left: sideSource(left as JoinInput),
    right: sideSource(right as JoinInput),
    on: Array.isArray(on)
      ? on.map(name => ({ left: name, right: name }))
      : Object.entries(on).map(([left, right]) => ({ left, right })),
    how,
    prefix,
    buckets,
    format: { kind: 'parquet' },
    hive: false,
  }
  for (const side of ['left', 'right'] as const) checkKeys(side, data[side], data.on)
  return withSides(data, data)
}

/** Returns a join of these sides. */
export function withSides(join: JoinSource, { left, right }: Pick<JoinSource, 'left' | 'right'>): JoinSource {
  const data = { ...join, left, right }
  return frozen(areKept(data) ? { ...data, isKept: true } : data)
}

const sidesSchema = options({ left: v.unknown(), right: v.unknown() }, { from: 'left', to: 'right' })

const columnNames = v.union(
  [v.array(filledText), record(filledText, filledText)],
  "a list of columns that both sides have such as ['shop'], or columns of the left side with those of the right such as { shop: 'id' }",
)
const someNames = v.pipe(
  columnNames,
  v.check(on => Object.keys(on).length > 0, 'at least one column'),
)
const joinOptions = options(
  {
    on: someNames,
    how: v.optional(oneOf(['inner', 'left', 'full', 'semi', 'anti'])),
    prefix: v.optional(filledText),
    buckets: v.optional(bucketCount),
  },
  { by: 'on', key: 'on', keys: 'on', type: 'how', suffix: 'prefix', rsuffix: 'prefix' },
)

const sideSource = (side: JoinInput): PartitionsOfSource =>
  typeof side === 'object' && side !== null && 'kind' in side && side.kind === 'partitionsOf'
    ? side
    : partitionsOf(side as DatasetPath)

/**
 * Whether both sides are tasks that keep their rows by the key of the join, in as many buckets. A condition needs a stage that applies it,
 * and parameters one that makes columns of them; `buckets` asks for these stages.
 */
function areKept({ left, right, on, buckets }: JoinSource): boolean {
  if (buckets !== undefined) return false
  const [one, other] = [left, right].map(({ of, where, params }) =>
    where || params ? undefined : of && layoutOf(of.output)?.bucketBy,
  )
  const isBy = (columns: readonly string[], side: 'left' | 'right') =>
    columns.length === on.length && on.every((key, at) => key[side] === columns[at])
  if (!one || !other || one.buckets !== other.buckets) return false
  return isBy(one.columns, 'left') && isBy(other.columns, 'right')
}

/** @throws DEFINITION_INVALID for a column of the key twice, or one that the side does not read */
function checkKeys(side: 'left' | 'right', { columns }: PartitionsOfSource, on: readonly JoinKey[]): void {
  const keys = on.map(key => key[side])
  const twice = keys.find((name, at) => keys.some((other, index) => index < at && isSameName(name, other)))
  if (twice !== undefined) throw invalid('joinOf: on', `expected each column once, got ${twice} twice`)
  const missing = columns && keys.find(name => !columns.includes(name))
  if (missing !== undefined)
    throw invalid(`joinOf: ${side}: columns`, `expected the columns of the key too, got no ${missing}`)
}

/** The rows of a side, as far as the compiler knows them. */
type RowsOf<Side> = Side extends PartitionsOfSource & SourceRows<infer Row> ? KnownRow<Row> : RowOfTask<Side>

type KnownRow<Row> = unknown extends Row ? AnyRow : Row

type NameOf<Row> = string extends keyof Row ? string : keyof Row & string

/** The forms that `on` may have for two sides. */
type OnOf<Left, Right> =
  | readonly (NameOf<RowsOf<Left>> & NameOf<RowsOf<Right>>)[]
  | { readonly [Name in NameOf<RowsOf<Left>>]?: NameOf<RowsOf<Right>> }

/** The rows of a join. */
export type JoinedRow<Left, Right, On, How extends JoinKind, Prefix extends string> = How extends 'semi' | 'anti'
  ? Left
  : string extends keyof Left | keyof Right
    ? AnyRow
    : Flat<
        { readonly [Name in keyof Left]: How extends 'full' ? Left[Name] | null : Left[Name] } & {
          readonly [Name in Exclude<keyof Right, RightKeys<On>> as Name extends keyof Left
            ? `${Prefix}${Name & string}`
            : Name]: How extends 'inner' ? Right[Name] : Right[Name] | null
        }
      >

type RightKeys<On> = On extends readonly (infer Name)[] ? Name : On[keyof On]

type Flat<Row> = { readonly [Name in keyof Row]: Row[Name] }
