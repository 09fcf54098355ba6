/** Cuts a join of which one side is small: each part of the other side is joined with all rows of the small one. */
import type { JoinSource } from '../../define/definition.ts'
import { sourceRoot } from '../../define/sources/source-paths.ts'
import { type JoinSide, joinSides } from '../../define/steps/join-definition.ts'
import { sizeOf } from '../../exchange/slice-size.ts'
import type { ExchangeSlice, SideColumns } from '../../model/plan-data.ts'
import { sumFields } from '../../model/sum-fields.ts'
import type { FoundObjects } from '../find-options.ts'
import { piecesOf } from './part-pieces.ts'

/** Parquet of a side that every batch reads whole: about a third of the least memory of an engine once it is in memory. */
export const wholeSideBytesMax = 10 * 1024 * 1024
/** Rows of a side that every batch reads whole: few bytes of Parquet may be very many rows. */
export const wholeSideRowsMax = 1_000_000
/** Limit on the parts that all slices of a plan name. */
const piecesMax = 100_000
/** Limit on the columns that all slices of a plan name: each slice has those of both sides, at about 50 bytes. */
const columnsMax = 1_000_000

type Sides = readonly [left: FoundObjects, right: FoundObjects]

/**
 * Returns the side that every batch reads whole, so that no row is exchanged; undefined where both sides are exchanged: both are large, the
 * result has rows of the small side that have no partner in any batch, or a side needs a stage of its own (`where`, another root).
 */
export function wholeSide(source: JoinSource, all: Sides): JoinSide | undefined {
  const { left, right, buckets, isKept } = source
  if (isKept || buckets !== undefined) return undefined
  if ([left, right].some(side => side.where || sourceRoot(side) !== 'output')) return undefined
  const [smallest] = joinSides
    .filter(side => mayBeWhole(source, side) && isSmall(source, side, all))
    .toSorted((one, other) => bytesOf(all, one) - bytesOf(all, other))
  return smallest
}

/** Rows of the side that is read whole are in every batch, and so none of them can tell that it has no partner. */
const mayBeWhole = ({ how }: JoinSource, side: JoinSide): boolean =>
  side === 'right' ? how !== 'full' : how === 'inner'

function isSmall(source: JoinSource, side: JoinSide, all: Sides): boolean {
  const [left, right] = all.map(({ parts }) => parts?.())
  if (!left || !right || left.length * right.length > piecesMax) return false
  const [small, large] = side === 'left' ? [left, right] : [right, left]
  if (large.length * columnsOf(source, all) > columnsMax) return false
  return bytesOf(all, side) <= wholeSideBytesMax && sumFields(small, ['rows']).rows <= wholeSideRowsMax
}

const columnsOf = (source: JoinSource, all: Sides): number =>
  all.reduce((sum, { dataset = [] }, at) => sum + (source[joinSides[at] ?? 'left'].columns ?? dataset).length, 0)

const bytesOf = (all: Sides, side: JoinSide): number => all[joinSides.indexOf(side)]?.bytes ?? 0

/** Returns a slice for each part of the large side, and one where it has no rows. */
export function cutWithWhole(all: Sides, side: JoinSide, sides: SideColumns): readonly ExchangeSlice[] {
  const whole = joinSides.indexOf(side)
  const [left, right] = all.map((found, at) => piecesOf(found.parts?.() ?? [], at))
  const [small = [], large = []] = whole === 0 ? [left, right] : [right, left]
  const groups = large.length === 0 ? [[]] : large.map(piece => [piece])
  return groups.map((own, slice): ExchangeSlice => {
    const buckets = { start: 0, end: 1 }
    const pieces = [...own, ...small]
    return { kind: 'exchange', slice, input: 0, buckets, whole, pieces, sides, ...sizeOf(own) }
  })
}
