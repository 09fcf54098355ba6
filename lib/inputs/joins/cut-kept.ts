/** Cuts two datasets that are kept by the key of a join into slices: a bucket of both is joined by itself. */
import type { JoinSource } from '../../define/definition.ts'
import { type JoinSide, joinSides } from '../../define/steps/join-definition.ts'
import { PermanentError } from '../../errors/errors.ts'
import { sizeOf } from '../../exchange/slice-size.ts'
import type { ManifestPart } from '../../model/outcome/manifest.ts'
import type { ExchangeSlice, SideColumns } from '../../model/plan-data.ts'
import { typeName } from '../../model/type-names.ts'
import type { FoundObjects } from '../find-options.ts'
import { piecesOf } from './part-pieces.ts'

interface KeptSides {
  readonly all: readonly [left: FoundObjects, right: FoundObjects]
  /** The columns of both that are read. */
  readonly sides: SideColumns
}

/**
 * Returns a slice for each bucket that has rows of a side; one without rows where no side has any.
 * @throws INPUT_INVALID when a dataset is not kept as its task says, or has several nodes
 */
export function cutKept(task: string, source: JoinSource, { all, sides }: KeptSides): readonly ExchangeSlice[] {
  checkTexts(task, source, sides)
  const kept = joinSides.map((side, index) => {
    const parts = keptParts(task, { source, side, found: all[index] as FoundObjects })
    return Map.groupBy(
      parts.filter(({ rows }) => rows > 0),
      ({ bucket = 0 }) => bucket,
    )
  })
  const buckets = new Set(kept.flatMap(byBucket => [...byBucket.keys()]))
  return [...(buckets.size > 0 ? buckets : [0])]
    .toSorted((a, b) => a - b)
    .map((bucket, slice): ExchangeSlice => {
      const pieces = kept.flatMap((byBucket, side) => piecesOf(byBucket.get(bucket) ?? [], side))
      const range = { start: bucket, end: bucket + 1 }
      return { kind: 'exchange', slice, input: 0, buckets: range, pieces, sides, ...sizeOf(pieces) }
    })
}

function keptParts(
  task: string,
  { source, side, found }: { readonly source: JoinSource; readonly side: JoinSide; readonly found: FoundObjects },
): readonly ManifestPart[] {
  const { of } = source[side]
  const columns = source.on.map(key => key[side])
  const buckets = of?.output.kind === 'parquet' ? of.output.bucketBy?.buckets : undefined
  const { bucketBy } = found
  if (!found.parts) throw severalNodes(task, side, of?.name)
  const parts = found.parts()
  const isAsDefined = bucketBy?.buckets === buckets && `${bucketBy?.columns}` === `${columns}`
  // A part without a bucket would be in no slice, and its rows would be lost.
  const arePlaced = parts.every(({ rows, bucket }) => rows === 0 || bucket !== undefined)
  if (bucketBy && isAsDefined && arePlaced) return parts
  const message = `task ${task}: expected the dataset of task ${of?.name} in ${buckets} buckets by ${columns.join(', ')}, as its definition says, got another; run ${of?.name} again`
  throw new PermanentError('INPUT_INVALID', message, { task, side, bucketBy })
}

/** Buckets of several nodes are not numbered together, and the definition does not say how many nodes there are. */
function severalNodes(task: string, side: JoinSide, name: string | undefined): PermanentError {
  const message = `task ${task}: joinOf: ${side}: expected one dataset of task ${name}, as both sides are kept by the key (bucketBy) and are joined as they are, got those of several nodes; set buckets of joinOf, so that their rows are exchanged`
  return new PermanentError('INPUT_INVALID', message, { task, side })
}

/** Keys are hashed as texts, which are the same for all integers, but not for other types. @throws DEFINITION_INVALID */
function checkTexts(task: string, { on }: JoinSource, [left, right]: SideColumns): void {
  for (const key of on) {
    const [one, other] = [left.find(({ name }) => name === key.left), right.find(({ name }) => name === key.right)]
    if (!one || !other || one.type === other.type || [one, other].every(({ type }) => isInteger(type))) continue
    const message = `task ${task}: joinOf: on: expected columns of one type, as both sides are kept by them (bucketBy), got ${one.name} (${typeName(one.type)}) and ${other.name} (${typeName(other.type)}); convert one in the task that writes it`
    throw new PermanentError('DEFINITION_INVALID', message, { task, left: one.name, right: other.name })
  }
}

const isInteger = (type: string): boolean => /^U?(TINYINT|SMALLINT|INTEGER|BIGINT)$/.test(type)
