/** A plan as bytes: plan.json with one small item a batch, and the members file that the items point into. */
import { createHash } from 'node:crypto'
import type { ByteRange } from './byte-range.ts'
import { PermanentError } from './errors.ts'
import type { PlanItem, Slice } from './plan-data.ts'

export interface PlanFiles {
  readonly plan: readonly PlanItem[]
  /** Named by its content. */
  readonly sha256: string
  /** One JSON line a slice, batch after batch. */
  readonly members: Uint8Array
}

/** A batch's slices stand together, so that one ranged read gives them; an item stays below 1 KB whatever it holds. */
export function planFiles(batches: readonly (readonly Slice[])[]): PlanFiles {
  const encoder = new TextEncoder()
  const texts = batches.map(slices => encoder.encode(slices.map(slice => `${JSON.stringify(slice)}\n`).join('')))
  const sha256 = createHash('sha256')
  for (const text of texts) sha256.update(text)
  const name = sha256.digest('hex')
  let start = 0
  const plan = batches.map((slices, batch): PlanItem => {
    const range: ByteRange = { start, end: start + (texts[batch]?.length ?? 0) }
    start = range.end
    const memberCount = slices.reduce((sum, slice) => sum + membersOf(slice), 0)
    const bytes = slices.reduce((sum, slice) => sum + slice.bytes, 0)
    return { batch, members: name, range, sliceCount: slices.length, memberCount, bytes }
  })
  return { plan, sha256: name, members: Buffer.concat(texts) }
}

/** A file's later ranges are the same member. */
function membersOf(slice: Slice): number {
  if (slice.kind === 'members') return slice.members.length
  return slice.kind === 'range' && slice.range.start > 0 ? 0 : 1
}

/** The slices of a plan item. @throws STATE_INVALID */
export function readSlices(bytes: Uint8Array, item: PlanItem): Slice[] {
  const lines = new TextDecoder().decode(bytes).split('\n').filter(Boolean)
  const slices = lines.map(line => JSON.parse(line) as Slice)
  if (slices.length !== item.sliceCount)
    throw new PermanentError(
      'STATE_INVALID',
      `members/${item.members}: expected ${item.sliceCount} slices of batch ${item.batch}, got ${slices.length}`,
    )
  return slices
}
